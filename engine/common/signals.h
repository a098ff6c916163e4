// How an engine process is told to end. prepare_signals() runs first in main(), before any thread exists.
#pragma once

#include "agent/base/time.h"

namespace medic::engine {

// Blocks SIGTERM, SIGINT and SIGHUP (unless it is ignored, as by nohup) for every thread to come, which are read with
// StopSignal, and ignores SIGPIPE.
// A child started with spawn() gets the default dispositions back.
void prepare_signals();

// The pending SIGTERM, SIGINT or SIGHUP as a file descriptor, for the process's main loop.
class StopSignal {
public:
    StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;
    ~StopSignal();

    [[nodiscard]] int fd() const { return fd_; }          // Readable once a signal has come.
    void wait() const;                                    // Until a signal has come.
    [[nodiscard]] bool wait_for(Duration at_most) const;  // True: a signal has come.

private:
    int fd_ = -1;
};

}  // namespace medic::engine
