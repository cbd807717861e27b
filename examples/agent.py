# SPDX-License-Identifier: Apache-2.0
"""The memory of an AI agent, over librem by ctypes: nothing but Python and the library.

    remember()   what was said or read, found again by meaning
    learn()      what is known of a person, found again by key
    happened()   a time range with the people in it

    python3 examples/agent.py FOLDER        (REM_LIBRARY names librem.so where it is not installed)
"""
import ctypes
import json
import os
import sys

REM = ctypes.CDLL(os.environ.get("REM_LIBRARY", "librem.so.0"))
ROW, WRITE = 1, 1


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("reserved", ctypes.c_int32), ("offset", ctypes.c_int64),
                ("message", ctypes.c_char * 768), ("hint", ctypes.c_char * 512)]


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    def take(self):
        """The JSON value there, freed."""
        text = ctypes.string_at(self.data, self.size)
        REM.rem_bytes_free(ctypes.byref(self))
        return json.loads(text)


class CreateOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("path", ctypes.c_char_p), ("if_not_exists", ctypes.c_bool),
                ("keep_current", ctypes.c_bool), ("reserved", ctypes.c_uint64 * 4)]


class OpenOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("mode", ctypes.c_int), ("durability", ctypes.c_int),
                ("tenant", ctypes.c_char_p), ("config", ctypes.c_void_p), ("lock_wait_ms", ctypes.c_int64),
                ("reserved", ctypes.c_uint64 * 4)]


class ReadOptions(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("include_deleted", ctypes.c_bool), ("where_json", ctypes.c_char_p),
                ("limit", ctypes.c_int64), ("offset", ctypes.c_int64), ("min_score", ctypes.c_double),
                ("reserved", ctypes.c_uint64 * 4)]


class RemError(Exception):
    """A call failed: `code` is the rem_status, the text its message and hint."""

    def __init__(self, error):
        super().__init__(": ".join(part.decode() for part in (error.message, error.hint) if part))
        self.code = error.code


def call(name, *arguments):
    """Calls a function that takes an error last; its status, or RemError."""
    error = Error()
    status = getattr(REM, name)(*arguments, ctypes.byref(error))
    if status < 0:
        raise RemError(error)
    return status


def sized(text):
    data = text.encode()
    return data, ctypes.c_size_t(len(data))


REM.rem_row_score.restype = ctypes.c_double

MEMORY = {"short_name": "memory", "type": "object", "description": "Something said or read.", "embedding_provider": "default",
          "embedding_fields": ["text"], "properties": {"text": {"type": "string"}}, "required": ["text"]}
PERSON = {"short_name": "person", "type": "object", "description": "A person.", "key_field": "name",
          "properties": {"name": {"type": "string"}}, "required": ["name"]}


class Agent:
    """Long-term memory in one folder; a context manager."""

    def __init__(self, path):
        self.config, self.db = ctypes.c_void_p(), ctypes.c_void_p()
        call("rem_config_load", ctypes.byref(self.config))
        create, options = CreateOptions(), OpenOptions()
        REM.rem_create_options_init(ctypes.byref(create))
        create.path, create.if_not_exists, create.keep_current = path.encode(), True, True
        call("rem_create", self.config, None, ctypes.byref(create), None)
        REM.rem_open_options_init(ctypes.byref(options))
        options.mode, options.config = WRITE, self.config
        call("rem_open", path.encode(), ctypes.byref(options), ctypes.byref(self.db))
        for schema in (MEMORY, PERSON):
            answer = Bytes()
            call("rem_schema_add", self.db, *sized(json.dumps(schema)), None, ctypes.byref(answer))
            answer.take()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        db, self.db = self.db, ctypes.c_void_p()
        REM.rem_config_free(self.config)
        call("rem_close", db)

    def put(self, table, **document):
        call("rem_put", self.db, table.encode(), *sized(json.dumps(document)), None)

    def remember(self, text, about=()):
        self.put("memory", text=text, edges=[{"target": name, "table": "person", "type": "about"} for name in about])

    def learn(self, name, **facts):
        self.put("person", name=name, **facts)

    def happened(self, name, start, end, people=()):
        self.put("moments", name=name, moment_type="meeting", start_time=start, end_time=end,
                 edges=[{"target": person, "table": "person", "type": "present"} for person in people])

    def recall(self, query, limit=3):
        """The memories nearest in meaning, as (score, text)."""
        options, cursor, row = ReadOptions(), ctypes.c_void_p(), ctypes.c_void_p()
        REM.rem_read_options_init(ctypes.byref(options))
        options.limit = limit
        call("rem_search", self.db, *sized(query), b"memory", ctypes.byref(options), ctypes.byref(cursor), None)
        try:
            call("rem_row_new", self.db, ctypes.byref(row))
            while call("rem_cursor_next", cursor, row) == ROW:
                yield REM.rem_row_score(row), self.entity(row)["properties"]["text"]
        finally:
            REM.rem_row_free(row)
            REM.rem_cursor_free(cursor)

    def entity(self, row):
        answer = Bytes()
        call("rem_row_json", row, 0, ctypes.byref(answer))
        return answer.take()

    def who(self, name):
        """What is known of a person, and what points to them; None for a stranger."""
        row, edges = ctypes.c_void_p(), Bytes()
        call("rem_row_new", self.db, ctypes.byref(row))
        try:
            if call("rem_get", self.db, b"person", *sized(name), ctypes.c_bool(False), row) != 0:
                return None
            person = self.entity(row)["properties"]
        finally:
            REM.rem_row_free(row)
        call("rem_edges", self.db, b"person", *sized(name), 2, ctypes.byref(edges))
        return person, [edge["type"] for edge in edges.take()]


def main():
    with Agent(sys.argv[1]) as agent:
        agent.learn("Mira", role="roaster", likes="dark chocolate")
        agent.remember("Mira told me that the new grinder is too loud for the shop.", about=["Mira"])
        agent.remember("Rain is expected for the whole weekend.")
        agent.happened("Tasting", "2025-10-01T09:00:00Z", "2025-10-01T10:30:00Z", people=["Mira"])
        print(agent.who("Mira"))
        print(agent.who("Nobody"))
        try:
            for score, text in agent.recall("complaints about noise", limit=1):
                print(f"{score:.2f} {text}")
        except RemError as error:  # no model installed
            print(error)


if __name__ == "__main__":
    main()
