/*
 * monitor_status.h: the state of a relay, which outlives its workers
 *
 * The relay between libvirt and QEMU's monitor stores no data: bytes from one side remain in the
 * socket until the socket of the other side has accepted them. A worker reads them with MSG_PEEK,
 * sends them, and removes the number of bytes that were sent from the socket. This requires only a
 * few numbers, which are stored here, in memory that the processes share.
 *
 * A worker can be killed between any two instructions. Bytes are sent with sendmmsg() and removed
 * with recvmmsg(), and their message headers are stored here: within one system call, the kernel
 * moves the bytes and stores their number in msg_len. A signal, even SIGKILL, can only precede or
 * follow this (emulator_device.h uses the same method). The next worker therefore knows the
 * progress of the previous one: monitorFlowSettle().
 *
 * All other changes are a single store, or can be repeated. Only the order of the stores of one
 * process is relevant, because another process reads the memory after this one has exited.
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The number of bytes that are read and sent at once */
#define MONITOR_CHUNK 32768

/* The maximum length of a device_add command that is translated, or of a device_del command that is
 * checked, with the end of its line, and that of the text that replaces it, in bytes */
#define MONITOR_COMMAND_MAX 8192
#define MONITOR_TEXT_MAX 16384

/* The maximum length of the id of a command, in bytes */
#define MONITOR_ID_MAX 63

typedef enum {
    MONITOR_STEP_NONE = 0,
    MONITOR_STEP_SEND,          /* bytes from the other side are sent */
    MONITOR_STEP_TEXT,          /* a text of the relay is sent */
    MONITOR_STEP_TAKE,          /* bytes that have been sent are removed from their socket */
} MonitorStep;

/* One direction. */
typedef struct {
    struct mmsghdr message;     /* the message of the step; the kernel sets msg_len */
    struct iovec vector;
    volatile uint32_t step;     /* MonitorStep */
    volatile uint32_t before;   /* the number that the step changes, before the step */
    volatile uint32_t owed;     /* bytes to remove from the socket: they have been sent, or must be
                                 * dropped */
    volatile uint32_t inLine;   /* a line has been sent in part */
    volatile uint32_t pass;     /* the next line is forwarded without being parsed */
    volatile uint32_t held;     /* the rest of a line is missing */
    volatile uint32_t textLen;  /* the length of the text that is sent; 0: none */
    volatile uint32_t textSent;
    volatile uint64_t moved;    /* the number of all bytes moved, so that the guard sees progress */
    char data[MONITOR_CHUNK];
} MonitorFlow;

/* The states of a device_add command that is translated, or of a device_del command that is checked.
 * The comment names the process that leaves the state, or its purpose. */
typedef enum {
    MONITOR_ATTACH_NONE = 0,
    MONITOR_ATTACH_REQUESTED,       /* the guard, when an emulator has been started */
    MONITOR_ATTACH_ANSWERED,        /* the worker, when it has the socket for QEMU, if
                                     * it requires one */
    MONITOR_ATTACH_GETFD_SEND,      /* send QEMU the socket of the emulator, if it requires one */
    MONITOR_ATTACH_GETFD_WAIT,      /* wait for QEMU's reply to it */
    MONITOR_ATTACH_GETFD_DROP,      /* drop the reply, which libvirt does not expect */
    MONITOR_ATTACH_DEVICE_SEND,     /* send the new command */
    MONITOR_ATTACH_DEVICE_DROP,     /* drop the command of libvirt */
    MONITOR_ATTACH_DEVICE_WAIT,     /* wait for QEMU's reply, which is forwarded */
    MONITOR_ATTACH_CLOSEFD_SEND,    /* after an error: close the socket in QEMU */
    MONITOR_ATTACH_CLOSEFD_WAIT,
    MONITOR_ATTACH_CLOSEFD_DROP,
    MONITOR_ATTACH_ASK_SEND,        /* device_del: ask QEMU a question about the device */
    MONITOR_ATTACH_ASK_WAIT,        /* wait for QEMU's reply to it */
    MONITOR_ATTACH_ASK_DROP,        /* drop the reply, which libvirt does not expect */
    MONITOR_ATTACH_REFUSE_SEND,     /* send libvirt an error */
    MONITOR_ATTACH_REFUSE_DROP,
    MONITOR_ATTACH_RELEASE,         /* the worker, when it has closed the descriptors of the
                                     * command */
} MonitorAttachState;

/* The questions about a device that is to be unplugged, in this order, and the decisions */
typedef enum {
    MONITOR_QUESTION_TYPE = 0,      /* is it a vfio-user-pci? */
    MONITOR_QUESTION_PENDING,       /* has it a region for the pending bits of MSI-X? */
    MONITOR_QUESTION_TABLE,         /* has it a table of MSI-X? */
    MONITOR_QUESTION_PASS,          /* none any more: forward the command */
    MONITOR_QUESTION_REFUSE,        /* none any more: send libvirt an error */
} MonitorQuestion;

/* The action for a command */
typedef enum {
    MONITOR_ANSWER_REFUSE = 'E',    /* the text is the reply to libvirt */
    MONITOR_ANSWER_PASS = 'P',      /* forward the command */
    MONITOR_ANSWER_SEND = 'S',      /* the text replaces the command */
    MONITOR_ANSWER_SEND_FD = 'F',   /* the same, after QEMU has received a socket */
} MonitorAnswer;

typedef struct {
    volatile uint32_t state;        /* MonitorAttachState */
    uint32_t dropLen;               /* the length of the reply that is dropped */
    uint32_t dropError;             /* whether that reply is an error */
    uint32_t question;              /* MonitorQuestion */
    uint32_t next;                  /* MonitorQuestion, as a result of the reply that is dropped */
    uint32_t lineLen;
    char line[MONITOR_COMMAND_MAX + 1];
    char id[MONITOR_ID_MAX + 1];
    uint32_t answer;                /* MonitorAnswer; the guard sets this and the text */
    uint32_t textLen;
    char text[MONITOR_TEXT_MAX];
} MonitorAttach;

typedef enum {
    MONITOR_TO_QEMU = 0,
    MONITOR_TO_LIBVIRT = 1,
} MonitorDirection;

typedef struct {
    MonitorFlow flow[2];            /* indexed by MonitorDirection */
    volatile uint32_t ended;        /* one side has closed its connection */
    MonitorAttach attach;
} MonitorStatus;

/* The exit status of a worker. The guard uses only the shared memory. */
enum {
    MONITOR_EXIT_END = 0,           /* one side has closed its connection */
    MONITOR_EXIT_FAILURE = 1,
};
