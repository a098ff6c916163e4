#include "agent/world/real/process_handle.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace medic {

Result<ProcessHandle> ProcessHandle::open(int pid) {
    const auto fd = pid > 0 ? syscall(SYS_pidfd_open, pid, 0) : -1;
    if (fd < 0) return fail(ErrorCode::unavailable, "process {}: {}", pid, pid > 0 ? std::strerror(errno) : "none");
    return ProcessHandle(static_cast<int>(fd));
}

ProcessHandle::~ProcessHandle() {
    if (fd_ >= 0) close(fd_);
}

Status ProcessHandle::signal(int number) const {
    if (syscall(SYS_pidfd_send_signal, fd_, number, nullptr, 0) == 0) return {};
    if (errno == ESRCH) return fail(ErrorCode::unavailable, "the process has ended");
    return fail(ErrorCode::invalid, "the process may not be signalled by this user: {}", std::strerror(errno));
}

}  // namespace medic
