// SPDX-License-Identifier: Apache-2.0
// The Linux system calls that Swift's Glibc module does not import (epoll, eventfd, signalfd, accept4), and the GNU
// calls and constants it hides for want of _GNU_SOURCE (memfd_create, pipe2, file seals). Thin names over the C library, no code of our own to link.
#ifndef ISTHMUS_CLINUX_SHIMS_H
#define ISTHMUS_CLINUX_SHIMS_H

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <linux/sockios.h>

extern int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern const char *strerrordesc_np(int number);
extern int memfd_create(const char *name, unsigned int flags);
extern int pipe2(int ends[2], int flags);

enum {
  LINUX_MFD_CLOEXEC = 1,
  LINUX_MFD_ALLOW_SEALING = 2,
  LINUX_F_ADD_SEALS = 1033,
  LINUX_F_GET_SEALS = 1034,
  LINUX_F_SEAL_SEAL = 1,
  LINUX_F_SEAL_SHRINK = 2,
  LINUX_F_SEAL_GROW = 4,
  LINUX_F_SEAL_WRITE = 8
};

static inline int linux_accept(int fd, struct sockaddr *address, socklen_t *length) {
  return accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static inline int linux_stream_socket(int family) {
  return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

// A reset peer must not kill the process.
static inline ssize_t linux_send(int fd, const void *bytes, size_t count) { return send(fd, bytes, count, MSG_NOSIGNAL); }

static inline ssize_t linux_send_vectors(int fd, const struct iovec *vectors, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)vectors, .msg_iovlen = count};
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

// Bytes that were sent and that the peer has not acknowledged (TCP) or read (Unix); 0 if the kernel does not say.
static inline int linux_unsent(int fd) {
  int count = 0;
  return ioctl(fd, SIOCOUTQ, &count) == 0 ? count : 0;
}

static inline int linux_shutdown_write(int fd) { return shutdown(fd, SHUT_WR); }

static inline void linux_set_thread_name(const char *name) { pthread_setname_np(pthread_self(), name); }

// NULL for a number that the C library does not know.
static inline const char *linux_error_text(int number) { return strerrordesc_np(number); }

static inline int linux_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

static inline int linux_epoll_control(int epoll, int operation, int fd, uint32_t events, void *owner) {
  struct epoll_event event = {.events = events, .data = {.ptr = owner}};
  return epoll_ctl(epoll, operation, fd, &event);
}

static inline int linux_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

static inline int linux_signalfd(const sigset_t *signals) { return signalfd(-1, signals, SFD_NONBLOCK | SFD_CLOEXEC); }

static inline void linux_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }

#endif
