# SPDX-License-Identifier: Apache-2.0
# What rem_source__python() runs as `python -c SCRIPT path class`: the JSON Schema of a Pydantic model, as the answer on
# descriptor 3, since the user's module may print. tools/source_script.py embeds it.
import json, os, sys
sys.dont_write_bytecode = True
path, name = os.path.abspath(sys.argv[1]), sys.argv[2]
channel = os.fdopen(3, "w", encoding="utf-8")
os.set_inheritable(3, False)

def answer(**fields):
    channel.write(json.dumps(fields, allow_nan=False))
    channel.close()
    sys.stderr.flush()
    os._exit(0)

def fail(status, message, hint=""):
    answer(status=status, message=message, hint=hint)

def reason(error):
    line = None
    if isinstance(error, SyntaxError) and error.filename == path:
        line = error.lineno
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    text = " ".join(str(getattr(error, "msg", None) or error).split())
    where = "" if line is None else "line %d: " % line
    return where + type(error).__name__ + (": " + text if text else "")

try:
    import pydantic
except ImportError as error:
    fail("missing", "Pydantic cannot be imported by '%s' (%s)" % (sys.executable, error),
         "Run '%s -m pip install \"pydantic>=2\"', or name another interpreter in P8_PYTHON." % sys.executable)
if int(pydantic.VERSION.split(".")[0]) < 2:
    fail("missing", "Pydantic %s is too old; version 2 is needed" % pydantic.VERSION,
         "Run '%s -m pip install \"pydantic>=2\"'." % sys.executable)

import importlib, importlib.util

def load():
    folder, stem = os.path.dirname(path), os.path.basename(path)[:-3]
    package = []
    while os.path.exists(os.path.join(folder, "__init__.py")) and os.path.dirname(folder) != folder:
        package.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    sys.path[:] = [folder] + [p for p in sys.path if p != ""] + [os.getcwd()]
    if package:
        return importlib.import_module(".".join(package + ([] if stem == "__init__" else [stem])))
    if stem in sys.modules or stem in getattr(sys, "stdlib_module_names", ()) or not stem.isidentifier():
        stem = "rem_schema_source"
    spec = importlib.util.spec_from_file_location(stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[stem] = module
    spec.loader.exec_module(module)
    return module

def is_model(value):
    return isinstance(value, type) and issubclass(value, pydantic.BaseModel) and value is not pydantic.BaseModel

def models(holder, prefix="", depth=0):
    found = []
    for key, value in list(vars(holder).items()):
        if is_model(value) and value.__module__ == module.__name__ and value.__name__ == key:
            found.append(prefix + key)
            if depth < 4:
                found += models(value, prefix + key + ".", depth + 1)
    return found

try:
    module = load()
except BaseException as error:
    fail("invalid", "'%s' cannot be imported: %s" % (path, reason(error)),
         "Run '%s %s' to see the whole error." % (sys.executable, path))

target = module
for part in name.split(".") if name else []:
    target = getattr(target, part, None)
if target is None or not name:
    import difflib
    names = models(module)
    listed = ", ".join("'%s'" % n for n in names[:20]) or "none"
    near = difflib.get_close_matches(name, names, 1) or [n for n in names if n.lower() == name.lower()]
    hint = "Did you mean '%s'?" % near[0] if near else ""
    if not name and names:
        hint = "Name one of them: %s::%s." % (sys.argv[1], names[0])
    fail("unknown", ("'%s' has no class '%s'" % (path, name) if name else "no class is named")
         + "; the models in the file are: " + listed, hint)
if not is_model(target):
    fail("invalid", "'%s' in '%s' is not a Pydantic model" % (name, path),
         "Derive it from pydantic.BaseModel.")
try:
    schema = target.model_json_schema(by_alias=True)
    text = json.dumps(schema, allow_nan=False)
except BaseException as error:
    fail("invalid", "'%s' has no JSON Schema: %s" % (name, reason(error)),
         "Give the field a type that JSON can hold, or exclude it.")
answer(status="ok", schema=schema)
