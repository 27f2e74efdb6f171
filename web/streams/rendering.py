"""Frames and notices as JSON: made once for all connections of the process that want the same."""

import orjson

from streaming.engine.frames.frame import Frame
from streaming.reading.hub import Hub, Rendered
from streaming.reading.reader import Aside, Item, Notice, Reading


def rendered(hub: Hub, reading: Reading, item: Item) -> Rendered:
    if isinstance(item, Frame):
        return hub.render(reading.session_id, item, reading.selection)
    if isinstance(item, Aside):
        return Rendered(str(item.id), orjson.dumps(item.wire()))
    event = item.event
    if event["type"] != "snapshot":
        return _notice(item)
    # All who join at the same frame and want the same have the same snapshot.
    key = (reading.session_id, event["as_of"], reading.selection, event["part"], len(event["bars"]))
    found = hub.rendered.find(key)
    if found is None:
        found = _notice(item)
        hub.rendered.keep(key, found)
    return found


def _notice(notice: Notice) -> Rendered:
    return Rendered(None, orjson.dumps(notice.wire()))
