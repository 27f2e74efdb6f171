"""`/v2/stocks/meta/…`: what the letters of exchanges and conditions mean."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.wire.wire_errors import bad_request, not_found

EXCHANGES = {
    "A": "NYSE American (AMEX)",
    "B": "NASDAQ OMX BX",
    "C": "National Stock Exchange",
    "D": "FINRA ADF",
    "E": "Market Independent",
    "H": "MIAX",
    "I": "International Securities Exchange",
    "J": "Cboe EDGA",
    "K": "Cboe EDGX",
    "L": "Long Term Stock Exchange",
    "M": "Chicago Stock Exchange",
    "N": "New York Stock Exchange",
    "P": "NYSE Arca",
    "Q": "NASDAQ OMX",
    "S": "NASDAQ Small Cap",
    "T": "NASDAQ Int",
    "U": "Members Exchange",
    "V": "IEX",
    "W": "CBOE",
    "X": "NASDAQ OMX PSX",
    "Y": "Cboe BYX",
    "Z": "Cboe BZX",
}
BOTH_TRADES = {
    "C": "Cash Trade",
    "F": "Intermarket Sweep",
    "H": "Price Variation Trade",
    "I": "Odd Lot Trade",
    "L": "Sold Last",
    "M": "Market Center Official Close",
    "N": "Next Day",
    "P": "Prior Reference Price",
    "Q": "Market Center Official Open",
    "R": "Seller",
    "T": "Extended Hours Trade",
    "U": "Extended Hours Sold (Out of Sequence)",
    "V": "Contingent Trade",
    "X": "Cross Trade",
    "Z": "Sold (Out of Sequence)",
    "4": "Derivatively Priced",
    "7": "Qualified Contingent Trade",
    "9": "Corrected Consolidated Close",
}
CTA_TRADES = {
    " ": "Regular Sale",
    "B": "Average Price Trade",
    "E": "Automatic Execution",
    "K": "Rule 127 (NYSE only) or Rule 155 (NYSE American only)",
    "O": "Market Center Opening Trade",
    "5": "Market Center Reopening Trade",
    "6": "Market Center Closing Trade",
}
UTP_TRADES = {
    "@": "Regular Sale",
    "A": "Acquisition",
    "B": "Bunched Trade",
    "D": "Distribution",
    "G": "Bunched Sold Trade",
    "K": "Rule 155 Trade (NYSE American)",
    "O": "Opening Prints",
    "S": "Split Trade",
    "W": "Average Price Trade",
    "Y": "Yellow Flag Regular Trade",
    "1": "Stopped Stock (Regular Trade)",
    "5": "Re-Opening Prints",
    "6": "Closing Prints",
}
BOTH_QUOTES = {
    "L": "Closed Quote",
    "N": "Non-Firm Quote",
    "O": "Opening Quote",
    "R": "Regular Two-Sided Open Quote",
    "4": "On Demand Intraday Auction",
}
CTA_QUOTES = {
    "A": "Slow Quote on the Offer Side",
    "B": "Slow Quote on the Bid Side",
    "C": "Closing Quote",
    "H": "Slow Quote on Both Sides",
    "W": "Slow Quote due to a Set Slow List",
}
UTP_QUOTES = {
    "A": "Manual Ask, Automated Bid",
    "B": "Manual Bid, Automated Ask",
    "F": "Fast Trading",
    "H": "Manual Bid and Ask",
    "I": "Order Imbalance",
    "U": "Manual Bid and Ask (Non-Firm)",
    "X": "Order Influx",
    "Y": "One-Sided Open Quote",
    "Z": "No Open, No Resume",
}
CONDITIONS = {
    ("trade", "A"): BOTH_TRADES | CTA_TRADES,
    ("trade", "B"): BOTH_TRADES | CTA_TRADES,
    ("trade", "C"): BOTH_TRADES | UTP_TRADES,
    ("quote", "A"): BOTH_QUOTES | CTA_QUOTES,
    ("quote", "B"): BOTH_QUOTES | CTA_QUOTES,
    ("quote", "C"): BOTH_QUOTES | UTP_QUOTES,
}


def conditions(kind: str, query: Mapping[str, str]) -> dict[str, str]:
    """The conditions of `trade` or `quote`, on the tape that the query names."""
    tape = query.get("tape", "")
    if kind not in ("trade", "quote"):
        raise not_found(f"no conditions of {kind[:32]}: ask for those of trade or quote")
    if tape not in ("A", "B", "C"):
        raise bad_request(f"invalid tape: {tape[:32]}: it must be A, B or C")
    return dict(sorted(CONDITIONS[kind, tape].items()))
