"""The way out: frames are chained and go to Redis, not before who takes part and who reads in lockstep are ready."""
