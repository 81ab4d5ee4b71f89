"""Firefox and WebKit as they are installed, driven as the W3C lays it down: Firefox by WebDriver
BiDi, which it speaks itself over a websocket; WebKitGTK by WebDriver, over its driver's HTTP."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 120  # seconds: a busy machine is slow, not broken
SIZE = {"width": 1280, "height": 900}
KEYS = {"Control": "\ue009", "Shift": "\ue008", "Enter": "\ue007"}
KEYS |= {"Home": "\ue011", "End": "\ue010"}

# Asks in the page, again and again for a second, whether a function gives something
SOON = """async (...given) => {
  for (const end = Date.now() + 1000; Date.now() < end; ) {
    const value = await (WHAT)(...given);
    if (value) return [value]; // an element becomes {}
    await new Promise((go) => setTimeout(go, 20));
  }
}"""
ARRIVED = """() => !window.bnLeft && document.readyState === "complete" """
SAID = """() => [location.href, ...[...document.querySelectorAll(".bn-status")]
  .map((e) => e.textContent)].filter(Boolean).join("; ")"""

# Brings an element into sight, and gives its middle once it stands still
PLACE = """async (selector, nth) => {
  const middle = async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    const { x, y, width, height } = element.getBoundingClientRect();
    return width && [Math.round(x + width / 2), Math.round(y + height / 2)];
  };
  const element = document.querySelectorAll(selector)[nth];
  element?.scrollIntoView({ block: "center", behavior: "instant" });
  const place = element && (await middle());
  return place && `${place}` === `${await middle()}` && place;
}"""


class Left(Exception):
    """The page that was asked is not there any more, or does not answer."""


class Engine:
    """A browser with one window. A subclass knows how to `open`, go `back`, `ask` and `act`.

    `ask(function, patience)` gives what an async function without arguments gives in the page, and
    raises Left where the page went away meanwhile, or was silent for `patience` seconds.
    """

    def __init__(self, folder, *command):
        self.log = folder / "log"
        with self.log.open("w") as log:  # in a group, which ends with all that it has started
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def started(self, look):
        """Waits for what `look` gives once the program is there."""
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            running = self.process.poll() is None and time.monotonic() < end
            assert running, self.log.read_text()
            time.sleep(0.05)
        return found

    def close(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()

    def js(self, function, *given, patience=PATIENCE):
        """What a function gives in the page, in the end."""
        call = f"({function})({json.dumps(given)[1:-1]})"
        return json.loads(self.ask(f"async () => JSON.stringify((await {call}) ?? null)", patience))

    def until(self, function, *given):
        """Waits until a function in the page gives something.

        It is asked a second at a time, for a page that is left meanwhile may never answer.
        """
        end, left = time.monotonic() + PATIENCE, None
        while time.monotonic() < end:
            try:
                if found := self.js(SOON.replace("WHAT", function), *given, patience=10):
                    return found[0]
            except Left as error:
                left = error
        said = self.js(SAID)
        raise AssertionError(f"waited in vain for {function} ({left}); the page says: {said}")

    def press(self, selector, nth=0, right=0):
        """Presses the mouse on an element, and pulls it to the right."""
        x, y = self.until(PLACE, selector, nth)
        steps = [{"type": "pointerMove", "x": x + part * right // 2, "y": y} for part in range(3)]
        steps.insert(1, {"type": "pointerDown", "button": 0})
        steps.append({"type": "pointerUp", "button": 0})
        self.act({"type": "pointer", "id": "mouse", "actions": steps})

    def type(self, *texts):
        """Types texts; "Control+Enter" and the like are keys held together."""
        steps = []
        for text in texts:
            named = text.split("+")[0] in KEYS
            for chord in [text.split("+")] if named else text:
                keys = [KEYS.get(key, key) for key in chord]
                steps += [{"type": "keyDown", "value": key} for key in keys]
                steps += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self.act({"type": "key", "id": "keys", "actions": steps})


class Firefox(Engine):
    needs = ("firefox",)

    def __init__(self, folder):
        from websocket import create_connection  # JupyterLab brings it

        quiet = ("--headless", "--no-remote", "--profile", str(folder))
        super().__init__(folder, "firefox", *quiet, "--remote-debugging-port", "0")
        look = re.compile(r"listening on (ws:\S+)\n")
        found = self.started(lambda: look.search(self.log.read_text()))
        self.socket = create_connection(f"{found[1]}/session", suppress_origin=True)
        self.count = 0
        self.send("session.new", capabilities={})
        # In the first tab the address bar has the focus, in a new one the page
        self.where = self.send("browsingContext.create", type="tab")
        self.send("browsingContext.setViewport", **self.where, viewport=SIZE)

    def send(self, method, patience=PATIENCE, **params):
        from websocket import WebSocketTimeoutException

        self.count += 1
        self.socket.settimeout(patience)
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": params}))
        try:
            while (said := json.loads(self.socket.recv())).get("id") != self.count:
                pass  # an event, or the late answer to an earlier question
        except WebSocketTimeoutException:
            raise Left(f"{method}: no answer in {patience} s") from None
        if said["type"] != "success":
            raise Left(f"{method}: {said}")
        return said["result"]

    def open(self, address):
        # What waits for "complete" may never be answered, on a busy machine
        self.js("() => { window.bnLeft = true; }")
        self.send("browsingContext.navigate", **self.where, url=address, wait="none")
        self.until(ARRIVED)

    def back(self):
        self.send("browsingContext.traverseHistory", **self.where, delta=-1)

    def ask(self, function, patience):
        call = {"functionDeclaration": function, "awaitPromise": True, "target": self.where}
        said = self.send("script.callFunction", patience, **call)
        assert said["type"] == "success", said["exceptionDetails"]["text"]
        return said["result"]["value"]

    def act(self, source):
        self.send("input.performActions", **self.where, actions=[source])


class WebKit(Engine):
    needs = ("WebKitWebDriver", "xvfb-run")

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        super().__init__(folder, "xvfb-run", "-a", "WebKitWebDriver", f"--port={port}")
        self.address = f"http://127.0.0.1:{port}/session"
        self.address += "/" + self.started(self.begun)["sessionId"]
        self.send("/timeouts", script=1000 * (PATIENCE - 10))
        self.send("/window/rect", **SIZE)

    def begun(self):
        try:
            return self.send("", capabilities={})
        except urllib.error.URLError:
            return None  # it does not listen yet

    def send(self, path, patience=PATIENCE, **body):
        asked = urllib.request.Request(self.address + path, json.dumps(body).encode())
        try:
            with urllib.request.urlopen(asked, timeout=patience) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise Left(error.read().decode()) from None
        except TimeoutError:
            raise Left(f"{path}: no answer in {patience} s") from None

    def open(self, address):
        self.send("/url", url=address)

    def back(self):
        self.send("/back")

    def ask(self, function, patience):
        script = f"({function})().then(arguments[0], (e) => arguments[0]({{ wrong: `${{e}}` }}))"
        said = self.send("/execute/async", patience, script=script, args=[])
        assert isinstance(said, str), said
        return said

    def act(self, source):
        self.send("/actions", actions=[source])
