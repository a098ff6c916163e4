// Starting, naming and signalling processes by argument list. A process is named by pid *and* start time, so that a
// reused pid is never signalled. Used by the Connect worker (its tasks), the job manager and the lab.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic::engine {

struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // Field 22 of /proc/PID/stat: clock ticks since boot.
    auto operator<=>(const ProcessId&) const = default;
};

struct ProcessSpec {
    enum class Session : std::uint8_t { same, own };  // own: outlives the starter's terminal and process group.
    struct PassedFd {
        int ours = -1, theirs = -1;
    };

    std::vector<std::string> argv;         // argv[0] is an absolute path.
    std::string log_file;                  // stdout and stderr are appended there; empty: inherited.
    std::vector<PassedFd> fds;             // Everything else must be close-on-exec.
    std::vector<std::string> environment;  // "KEY=value", before ours.
    std::string working_directory;         // Empty: ours.
    Session session = Session::same;
};

// How a child ended.
struct ProcessExit {
    int code = 0;    // exit() code, where `signal` is 0.
    int signal = 0;  // The signal that killed it.
};

// stdin is /dev/null; signal mask and dispositions are the defaults. Errors: invalid (cannot be executed), unavailable
// (no more processes).
[[nodiscard]] Result<ProcessId> spawn(const ProcessSpec& spec);

// nullopt: no such process (a zombie counts as gone).
[[nodiscard]] std::optional<ProcessId> find_process(pid_t pid);
[[nodiscard]] bool is_alive(const ProcessId& process);
[[nodiscard]] char process_state(const ProcessId& process);  // 'R', 'S', 'D', 'T', 'Z', …; '\0' when gone.

// Errors: not_ready (it is gone, or the pid belongs to another process now).
[[nodiscard]] Status send_signal(const ProcessId& process, int signal);

// Reaps a child of ours without waiting. nullopt: still running, or not ours.
[[nodiscard]] std::optional<ProcessExit> reap(const ProcessId& child);

// Waits until it is gone (reaping it if it is a child of ours). False: still there after `at_most`.
[[nodiscard]] bool wait_gone(const ProcessId& process, Duration at_most);

// SIGTERM, up to `grace`, then SIGKILL and a wait for the end. A child of ours is reaped.
void terminate(const ProcessId& process, Duration grace);

[[nodiscard]] std::string own_executable();  // Absolute path of this program.

// A loopback TCP port that was free a moment ago, below the range from which the kernel gives ports to outgoing
// connections (32768 by default): it stays free until its process binds it, or binds it again after a restart. Never
// the same twice in a row, whichever thread asks.
[[nodiscard]] Result<std::uint16_t> lasting_port();

}  // namespace medic::engine
