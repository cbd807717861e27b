/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small embedding service in the process of a test. The vector of a text of n bytes is (cos n/100, sin n/100, 0, 0) by any model but "b", whose is
 * (0, 0, cos n/100, sin n/100): mixing the two would show. It does not use the library's allocator, which tests make fail.
 */
#ifndef REM_TESTS_EMBED_EMBEDDING_SERVER_H
#define REM_TESTS_EMBED_EMBEDDING_SERVER_H

#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

static struct server {
  int listener;
  int port;
  _Atomic int requests;
  _Atomic bool silent; /* takes requests and never answers */
  pthread_t thread;
} server;

static void answer(const char *body, size_t size, char **ret_reply, size_t *ret_size) {
  json_t *request = json_loadb(body, size, 0, NULL);
  const json_t *sent = json_object_get(request, "input");
  FILE *reply = open_memstream(ret_reply, ret_size);
  const char *model = json_string_value(json_object_get(request, "model"));
  const char *form = model && strcmp(model, "b") == 0 ? "%s{\"index\":%zu,\"embedding\":[0,0,%.9f,%.9f]}"
                                                      : "%s{\"index\":%zu,\"embedding\":[%.9f,%.9f,0,0]}";
  fprintf(reply, "{\"data\":[");
  for (size_t i = 0; i < json_array_size(sent); i++) {
    double angle = (double)json_string_length(json_array_get(sent, i)) / 100;
    fprintf(reply, form, i ? "," : "", i, cos(angle), sin(angle));
  }
  fprintf(reply, "]}");
  fclose(reply);
  json_decref(request);
}

/* One request with its body; false when the peer has gone. */
static bool read_request(int socket, char *buffer, size_t capacity, char **ret_body, size_t *ret_size) {
  size_t size = 0;
  for (;;) {
    ssize_t got = recv(socket, buffer + size, capacity - size - 1, 0);
    if (got <= 0)
      return false;
    size += (size_t)got;
    buffer[size] = 0;
    char *end = strstr(buffer, "\r\n\r\n"), *length = strcasestr(buffer, "content-length:");
    if (!end || !length)
      continue;
    *ret_size = strtoul(length + 15, NULL, 10);
    *ret_body = end + 4;
    if (size >= (size_t)(*ret_body - buffer) + *ret_size)
      return true;
  }
}

static void *converse(void *context) {
  int socket = (int)(intptr_t)context;
  size_t capacity = 1 << 20, size;
  char *buffer = malloc(capacity), *body;
  while (read_request(socket, buffer, capacity, &body, &size)) {
    char head[128], *reply;
    size_t reply_size;
    server.requests++;
    if (server.silent)
      continue;
    answer(body, size, &reply, &reply_size);
    int head_size = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", reply_size);
    bool sent = send(socket, head, (size_t)head_size, MSG_NOSIGNAL | MSG_MORE) == head_size &&
                send(socket, reply, reply_size, MSG_NOSIGNAL) == (ssize_t)reply_size;
    free(reply);
    if (!sent)
      break;
  }
  free(buffer);
  close(socket);
  return NULL;
}

static void *serve(void *context) {
  (void)context;
  int socket;
  while ((socket = accept(server.listener, NULL, NULL)) >= 0) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, converse, (void *)(intptr_t)socket) == 0)
      pthread_detach(thread);
  }
  return NULL;
}

/* Starts it; false when that cannot be. */
static inline bool server_start(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  server.listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(server.listener, (struct sockaddr *)&address, sizeof address) || listen(server.listener, 64) ||
      getsockname(server.listener, (struct sockaddr *)&address, &size))
    return false;
  server.port = ntohs(address.sin_port);
  setenv("no_proxy", "*", 1);
  return pthread_create(&server.thread, NULL, serve, NULL) == 0;
}

static inline void server_stop(void) {
  shutdown(server.listener, SHUT_RDWR);
  close(server.listener);
  pthread_join(server.thread, NULL);
}

#endif
