# SPDX-License-Identifier: Apache-2.0
"""Writes single records of a closed database with RocksDB's C library, for tests of damage."""
import ctypes
import ctypes.util


def _library():
    name = ctypes.util.find_library("rocksdb")
    library = ctypes.CDLL(name or "librocksdb.so.7.8")
    for function, result in (("rocksdb_options_create", ctypes.c_void_p), ("rocksdb_writeoptions_create", ctypes.c_void_p),
                             ("rocksdb_list_column_families", ctypes.c_void_p),
                             ("rocksdb_open_column_families", ctypes.c_void_p)):
        getattr(library, function).restype = result
    return library


def put(folder, family, key, value):
    """Puts one record into a family and closes the database again."""
    rocks, error, count = _library(), ctypes.c_char_p(), ctypes.c_size_t()
    options = ctypes.c_void_p(rocks.rocksdb_options_create())
    path = str(folder).encode()
    rocks.rocksdb_list_column_families.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_size_t),
                                                   ctypes.POINTER(ctypes.c_char_p)]
    listed = rocks.rocksdb_list_column_families(options, path, ctypes.byref(count), ctypes.byref(error))
    assert not error.value, error.value
    names = [bytes(ctypes.cast(listed, ctypes.POINTER(ctypes.c_char_p))[i]) for i in range(count.value)]
    array = (ctypes.c_char_p * len(names))(*names)
    each = (ctypes.c_void_p * len(names))(*[options.value] * len(names))
    handles = (ctypes.c_void_p * len(names))()
    rocks.rocksdb_open_column_families.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int] + [ctypes.c_void_p] * 3 + [
        ctypes.POINTER(ctypes.c_char_p)]
    db = ctypes.c_void_p(rocks.rocksdb_open_column_families(options, path, len(names), array, each, handles,
                                                            ctypes.byref(error)))
    assert not error.value, error.value
    write = ctypes.c_void_p(rocks.rocksdb_writeoptions_create())
    rocks.rocksdb_put_cf.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t,
                                                           ctypes.POINTER(ctypes.c_char_p)]
    rocks.rocksdb_put_cf(db, write, handles[names.index(family.encode())], key, len(key), value, len(value), ctypes.byref(error))
    assert not error.value, error.value
    for handle in handles:
        rocks.rocksdb_column_family_handle_destroy(ctypes.c_void_p(handle))
    rocks.rocksdb_close(db)
