"""Widgets' comms, between Python and the page."""

import hashlib
from functools import cache

import comm
from comm.base_comm import BaseComm, CommManager


@cache
def _name(text):
    """The name that _ext/light.py gives a script or style sheet."""
    return f"figure_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class Comms:
    """Makes every widget's comm speak to the page, and hands on what the page says.

    `figures` are the names of the scripts and style sheets that lie in the book: a figure that has
    one of these sends its name, not the whole text.
    """

    def __init__(self, speaker, figures):
        self._speaker, self._figures = speaker, set(figures)
        self._manager = CommManager()
        comm.create_comm = self._create
        comm.get_comm_manager = lambda: self._manager

    def _create(self, *args, **kwargs):
        return PageComm(self, *args, **kwargs)

    def publish(self, comm_id, kind, data, buffers):
        """Send one message of a comm to the page."""
        state = (data or {}).get("state")
        if kind == "comm_open" and isinstance(state, dict):
            data = {**data, "state": self._shared(state)}
        elif state and "msg_id" in state:
            self._catch(comm_id, bool(state["msg_id"]))
        message = {"type": kind, "id": comm_id, "data": data or {}}
        packed = [bytes(buffer) for buffer in buffers or []]
        self._speaker.send({"kind": "comm", "message": message}, packed)

    def _catch(self, comm_id, begins):
        """An Output widget begins to catch what is said, or ends: so Jupyter marks it."""
        self._speaker.flush()
        captures = self._speaker.captures
        if begins:
            captures.append(comm_id)
        elif comm_id in captures:
            captures.remove(comm_id)

    def _shared(self, state):
        short = dict(state)
        for key, kind in (("_esm", "script"), ("_css", "style")):
            text = state.get(key)
            if isinstance(text, str) and text and _name(text) in self._figures:
                short[key] = f"bn-{kind}:{_name(text)}"
        return short

    def hear(self, message, buffers):
        """Hand a message of the page to its comm; one that has been closed gets nothing."""
        known = self._manager.comms.get(message["id"])
        if known is None:
            return
        content = {"comm_id": message["id"], "data": message["data"]}
        if message["type"] == "comm_close":
            known.handle_close({"content": content})
        else:
            known.handle_msg({"content": content, "buffers": buffers})


class PageComm(BaseComm):
    """A comm whose other end is in the page."""

    def __init__(self, comms, *args, **kwargs):
        self._comms = comms
        super().__init__(*args, **kwargs)

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self._comms.publish(self.comm_id, msg_type, data, buffers)
