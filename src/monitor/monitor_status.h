/*
 * monitor_status.h: what a worker of emulatedpci-monitor leaves to the next one
 *
 * The relay between libvirt and QEMU's monitor holds no data: what has come from one side
 * stays in that side's socket until the other side's socket has taken it. A worker looks at
 * it (MSG_PEEK), sends it, and takes as many bytes as were sent from the socket. Only a few
 * numbers are needed for that, and they are here, in memory that outlives the worker.
 *
 * A worker can be killed between any two instructions. Bytes are given and taken by
 * sendmmsg() and recvmmsg(), whose message header is here: the kernel moves the bytes and
 * stores their number in msg_len within one system call, which a signal, even SIGKILL, can
 * only precede or follow (emulator_device.h does the same). So the next worker knows how far
 * the last one has come: monitorFlowSettle().
 *
 * Every other change is one store, or can be made again. The order of a process's own stores
 * is all that matters, since a process that has died is read after its end.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Bytes that are looked at, and sent, at once. */
#define MONITOR_CHUNK 32768

/* The longest device_add command that is translated, in bytes with the end of its line, and
 * the longest text that takes its place. */
#define MONITOR_COMMAND_MAX 8192
#define MONITOR_TEXT_MAX 16384

/* The longest id of a command, in bytes. */
#define MONITOR_ID_MAX 63

typedef enum {
    MONITOR_STEP_NONE = 0,
    MONITOR_STEP_SEND,          /* bytes of the other side are being sent */
    MONITOR_STEP_TEXT,          /* a text of the relay's own is being sent */
    MONITOR_STEP_TAKE,          /* bytes that were sent are being taken from their socket */
} MonitorStep;

/* One direction. */
typedef struct {
    struct mmsghdr message;     /* of STEP; msg_len is the kernel's */
    struct iovec vector;
    volatile uint32_t step;     /* MonitorStep */
    volatile uint32_t before;   /* the number that STEP changes, as it was before */
    volatile uint32_t owed;     /* bytes to take: they are sent, or are to be dropped */
    volatile uint32_t inLine;   /* the last byte that was sent does not end a line */
    volatile uint32_t pass;     /* the next line is not looked at */
    volatile uint32_t held;     /* waits for the rest of a line */
    volatile uint32_t textLen;  /* of the text that is being sent; 0: none */
    volatile uint32_t textSent;
    volatile uint64_t moved;    /* bytes in all, for the guard to see that it goes on */
    char data[MONITOR_CHUNK];
} MonitorFlow;

/* The steps of a device_add that is translated. The comment says who leaves the state. */
typedef enum {
    MONITOR_ATTACH_NONE = 0,
    MONITOR_ATTACH_REQUESTED,       /* the guard: it has an emulator started */
    MONITOR_ATTACH_ANSWERED,        /* the next worker */
    MONITOR_ATTACH_GETFD_SEND,      /* QEMU gets the emulator's socket, if it needs one */
    MONITOR_ATTACH_GETFD_WAIT,      /* QEMU's reply to that */
    MONITOR_ATTACH_GETFD_DROP,      /* it is not libvirt's */
    MONITOR_ATTACH_DEVICE_SEND,     /* the new command */
    MONITOR_ATTACH_DEVICE_DROP,     /* the old one */
    MONITOR_ATTACH_DEVICE_WAIT,     /* QEMU's reply, which libvirt gets */
    MONITOR_ATTACH_CLOSEFD_SEND,    /* if that was an error: QEMU still has the socket */
    MONITOR_ATTACH_CLOSEFD_WAIT,
    MONITOR_ATTACH_CLOSEFD_DROP,
    MONITOR_ATTACH_REFUSE_SEND,     /* libvirt gets an error instead */
    MONITOR_ATTACH_REFUSE_DROP,
    MONITOR_ATTACH_RELEASE,         /* the guard: it closes what belongs to the command */
} MonitorAttachState;

/* The action for a command */
typedef enum {
    MONITOR_ANSWER_REFUSE = 'E',    /* TEXT is the reply for libvirt */
    MONITOR_ANSWER_PASS = 'P',      /* it is none of ours */
    MONITOR_ANSWER_SEND = 'S',      /* TEXT takes its place */
    MONITOR_ANSWER_SEND_FD = 'F',   /* the same, after QEMU has got a socket */
} MonitorAnswer;

typedef struct {
    volatile uint32_t state;        /* MonitorAttachState */
    uint32_t dropLen;               /* of the reply that is not libvirt's */
    uint32_t dropError;             /* it was an error */
    uint32_t lineLen;
    char line[MONITOR_COMMAND_MAX + 1];
    char id[MONITOR_ID_MAX + 1];
    uint32_t answer;                /* MonitorAnswer; the guard's, like the text */
    uint32_t textLen;
    char text[MONITOR_TEXT_MAX];
} MonitorAttach;

typedef enum {
    MONITOR_TO_QEMU = 0,
    MONITOR_TO_LIBVIRT = 1,
} MonitorDirection;

typedef struct {
    MonitorFlow flow[2];            /* by MonitorDirection */
    MonitorAttach attach;
} MonitorStatus;

/* The request of a worker to the guard, as its exit status */
enum {
    MONITOR_EXIT_END = 0,           /* one side has closed its connection */
    MONITOR_EXIT_FAILURE = 1,
    MONITOR_EXIT_ATTACH = 10,       /* MONITOR_ATTACH_REQUESTED */
    MONITOR_EXIT_RELEASE = 11,      /* MONITOR_ATTACH_RELEASE */
};
