/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text: nothing here but the current folder and the home folder is asked of the system. */
#include "base/file.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

/* Owned text of `a` and `b` together. */
static char *concatenate(const char *a, size_t a_size, const char *b, size_t b_size) {
  char *text = rem_alloc(a_size + b_size + 1);
  if (!text)
    return NULL;
  memcpy(text, a, a_size);
  memcpy(text + a_size, b, b_size);
  text[a_size + b_size] = 0;
  return text;
}

char *rem_path_join(const char *folder, const char *name) {
  size_t folder_size = strlen(folder);
  if (name[0] == '/' || folder_size == 0)
    return rem_strdup(name);
  if (folder[folder_size - 1] == '/')
    return concatenate(folder, folder_size, name, strlen(name));
  char *start REM_AUTO_FREE = concatenate(folder, folder_size, "/", 1);
  return start ? concatenate(start, folder_size + 1, name, strlen(name)) : NULL;
}

/* $HOME, else what the user database says, else the root. Owned. */
static char *home_folder(void) {
  const char *home = getenv("HOME");
  if (home && *home)
    return rem_strdup(home);
  struct passwd entry, *found = NULL;
  char room[4096];
  if (getpwuid_r(getuid(), &entry, room, sizeof room, &found) == 0 && found && found->pw_dir && *found->pw_dir)
    return rem_strdup(found->pw_dir);
  return rem_strdup("/");
}

/* Owned. When the current folder is gone, the root stands in for it. */
static char *current_folder(void) {
  char room[4096];
  return rem_strdup(getcwd(room, sizeof room) && room[0] == '/' ? room : "/");
}

/* Absolute, not yet tidied. */
static char *anchored(const char *path) {
  if (path[0] == '/')
    return rem_strdup(path);
  if (path[0] == '~' && (path[1] == '/' || path[1] == 0)) {
    char *home REM_AUTO_FREE = home_folder();
    return home ? concatenate(home, strlen(home), path + 1, strlen(path + 1)) : NULL;
  }
  char *folder REM_AUTO_FREE = current_folder();
  return folder ? rem_path_join(folder, path) : NULL;
}

/* Removes "", "." and ".." from an absolute path, in place. */
static void tidy(char *path) {
  char *out = path;
  for (char *part = path; *part;) {
    part += strspn(part, "/");
    size_t size = strcspn(part, "/");
    if (size == 2 && part[0] == '.' && part[1] == '.') {
      while (out > path && *--out != '/')
        continue;
    } else if (size > 0 && !(size == 1 && part[0] == '.')) {
      *out++ = '/';
      memmove(out, part, size);
      out += size;
    }
    part += size;
  }
  if (out == path)
    *out++ = '/';
  *out = 0;
}

char *rem_path_absolute(const char *path) {
  char *absolute = anchored(path);
  if (absolute && absolute[0] == '/')
    tidy(absolute);
  return absolute;
}
