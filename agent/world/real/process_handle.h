// A hold on one process: what is signalled is the process that was opened, also when its pid has gone to another one
// meanwhile. For what must stop or go on exactly that process (agent/practice); it starts and waits for nothing.
#pragma once

#include <utility>

#include "agent/base/result.h"

namespace medic {

class ProcessHandle {
public:
    // unavailable: there is no such process. Look at it after this: only then is it sure who is held.
    [[nodiscard]] static Result<ProcessHandle> open(int pid);

    ProcessHandle(ProcessHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    ProcessHandle& operator=(ProcessHandle&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~ProcessHandle();

    // 0 only asks whether it may be signalled. invalid: it may not. unavailable: it has ended.
    [[nodiscard]] Status signal(int number) const;

private:
    explicit ProcessHandle(int fd) : fd_(fd) {}
    int fd_ = -1;
};

}  // namespace medic
