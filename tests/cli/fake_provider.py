# SPDX-License-Identifier: Apache-2.0
"""An embedding service on this machine that does what its test tells it to: OpenAI's and Cohere's replies, well or badly."""
import base64
import hashlib
import http.server
import json
import math
import pathlib
import socket
import ssl
import struct
import subprocess
import threading
import time

from program import PATIENCE_S

DIMENSION = 8


def vector_of(text, dimension=DIMENSION):
    """A unit vector that follows from the text."""
    raw = hashlib.shake_128(text.encode()).digest(2 * dimension)
    values = [n - 32768 for n in struct.unpack(f"<{dimension}H", raw)]
    length = math.sqrt(sum(value * value for value in values)) or 1
    return [value / length for value in values]


def encode(vector, how="base64"):
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode() if how == "base64" else vector


class Request:
    """What came in."""

    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.json = json.loads(body)
        self.texts = self.json.get("input") or self.json.get("texts")


class FakeProvider:
    """`behave(request, handler)` says what to do with a request: None: answer well; a status; a reply, as JSON or bytes; True: it has answered
    itself. `requests` holds all that came."""

    def __init__(self, behave=None, tls=None, dimension=DIMENSION):
        self.behave, self.dimension = behave, dimension
        self.requests, self.lock = [], threading.Lock()
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, dict(self.headers), body)
                with provider.lock:
                    provider.requests.append(request)
                answer = provider.behave(request, self) if provider.behave else None
                if answer is None:
                    self.reply(provider.answer(request))
                elif answer is True:
                    pass
                elif isinstance(answer, int):
                    self.reply({"error": {"message": "this text must not be shown", "code": "server_error"}}, answer)
                else:
                    self.reply(answer)

            def reply(self, value, status=200, headers=()):
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, text in headers:
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(data)

            def hang_up(self):
                """Resets the connection."""
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls.certificate, tls.key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, vectors=None):
        """The right reply."""
        dimension = request.json.get("dimensions") or request.json.get("output_dimension") or self.dimension
        vectors = vectors or [vector_of(text, dimension) for text in request.texts]
        if request.path.endswith("/v2/embed"):
            return {"id": "x", "embeddings": {"float": vectors}, "texts": request.texts}
        how = request.json.get("encoding_format", "float")
        data = [{"object": "embedding", "index": i, "embedding": encode(vector, how)} for i, vector in enumerate(vectors)]
        return {"object": "list", "data": data, "model": request.json["model"], "usage": {"total_tokens": 1}}

    @property
    def texts(self):
        return [text for request in self.requests for text in request.texts]


def wait_until(condition, seconds=PATIENCE_S):
    """Waits for another process; true when it came to pass."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Certificate:
    """A key and a self-signed certificate for localhost, made by openssl; `days` may be in the past."""

    def __init__(self, folder, expired=False):
        self.key, self.certificate = pathlib.Path(folder) / "key.pem", pathlib.Path(folder) / "certificate.pem"
        subject = ["-subj", "/CN=localhost"]
        if expired:
            # `openssl x509` takes no dates; `openssl ca` does.
            self.make_expired(folder, subject)
            return
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate, "-days", "2",
                     "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", *subject)

    def make_expired(self, folder, subject):
        folder = pathlib.Path(folder)
        request, config = folder / "request.pem", folder / "ca.cnf"
        config.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
                          "default_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n"
                          "[e]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
        (folder / "index").write_text("")
        (folder / "serial").write_text("01\n")
        self.openssl("req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", request, *subject)
        self.openssl("ca", "-batch", "-selfsign", "-config", config, "-keyfile", self.key, "-in", request, "-out", self.certificate,
                     "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-notext")

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
