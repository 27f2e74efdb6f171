"""Where the broker takes part in sessions: as they are played, copied and proved."""

from broker.comparing import compare_accounts
from broker.copies import copy_accounts
from broker.desk import open_desk
from broker.verify import verify_accounts
from streaming.engine.publishing import participants
from streaming.starts import copies
from streaming.verify import diff, session


def join() -> None:
    participants.register(open_desk)
    copies.copied.connect(copy_accounts, dispatch_uid="broker")
    session.verify_also(verify_accounts)
    diff.compare_also(compare_accounts)
