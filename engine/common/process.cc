#include "engine/common/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

extern char** environ;

namespace medic::engine {
namespace {

struct Stat {
    char state = '\0';
    std::uint64_t start_ticks = 0;
};

std::optional<Stat> read_stat(pid_t pid) {
    const int fd = open(fmt::format("/proc/{}/stat", pid).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    char text[1024];
    const ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0) return std::nullopt;
    text[got] = '\0';
    // The name in parentheses may hold anything; the last ')' ends it. State is field 3, start time field 22.
    const char* at = std::strrchr(text, ')');
    if (!at || at[1] != ' ') return std::nullopt;
    Stat stat;
    stat.state = at[2];
    at += 2;
    for (int field = 3; field < 22 && at; ++field) {
        at = std::strchr(at, ' ');
        if (at) ++at;
    }
    if (!at) return std::nullopt;
    stat.start_ticks = std::strtoull(at, nullptr, 10);
    return stat;
}

class SpawnSetup {
public:
    SpawnSetup() {
        posix_spawn_file_actions_init(&actions);
        posix_spawnattr_init(&attributes);
    }
    ~SpawnSetup() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnSetup(const SpawnSetup&) = delete;
    SpawnSetup& operator=(const SpawnSetup&) = delete;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

void fill(SpawnSetup& setup, const ProcessSpec& spec) {
    posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!spec.log_file.empty()) {
        posix_spawn_file_actions_addopen(&setup.actions, STDOUT_FILENO, spec.log_file.c_str(),
                                         O_WRONLY | O_CREAT | O_APPEND, 0644);
        posix_spawn_file_actions_adddup2(&setup.actions, STDOUT_FILENO, STDERR_FILENO);
    }
    int unused = STDERR_FILENO + 1;
    for (const auto& fd : spec.fds) {
        posix_spawn_file_actions_adddup2(&setup.actions, fd.ours, fd.theirs);
        unused = std::max(unused, fd.theirs + 1);
    }
    posix_spawn_file_actions_addclosefrom_np(&setup.actions, unused);  // Nobody inherits a socket by accident.
    if (!spec.working_directory.empty())
        posix_spawn_file_actions_addchdir_np(&setup.actions, spec.working_directory.c_str());
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&setup.attributes, &none);
    posix_spawnattr_setsigdefault(&setup.attributes, &all);
    int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (spec.session == ProcessSpec::Session::own) flags |= POSIX_SPAWN_SETSID;
    posix_spawnattr_setflags(&setup.attributes, static_cast<short>(flags));
}

bool can_be_bound(std::uint16_t port) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    close(fd);
    return bound;
}

}  // namespace

Result<ProcessId> spawn(const ProcessSpec& spec) {
    if (spec.argv.empty()) return fail(ErrorCode::invalid, "start a process: empty argument list");
    SpawnSetup setup;
    fill(setup, spec);
    std::vector<char*> argv, environment;
    for (const auto& argument : spec.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    for (const auto& entry : spec.environment) environment.push_back(const_cast<char*>(entry.c_str()));
    for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
    environment.push_back(nullptr);
    pid_t pid = 0;
    const int error = posix_spawn(&pid, argv[0], &setup.actions, &setup.attributes, argv.data(), environment.data());
    if (error != 0)
        return fail(error == EAGAIN || error == ENOMEM ? ErrorCode::unavailable : ErrorCode::invalid, "start {}: {}",
                    spec.argv[0], std::strerror(error));
    // The child cannot be reaped by anybody but us, so its stat is there even if it has already ended.
    const auto stat = read_stat(pid);
    return ProcessId{pid, stat ? stat->start_ticks : 0};
}

std::optional<ProcessId> find_process(pid_t pid) {
    const auto stat = pid > 0 ? read_stat(pid) : std::nullopt;
    if (!stat || stat->state == 'Z' || stat->state == 'X') return std::nullopt;
    return ProcessId{pid, stat->start_ticks};
}

bool is_alive(const ProcessId& process) {
    const auto found = find_process(process.pid);
    return found && *found == process;
}

char process_state(const ProcessId& process) {
    const auto stat = read_stat(process.pid);
    return stat && stat->start_ticks == process.start_ticks ? stat->state : '\0';
}

Status send_signal(const ProcessId& process, int signal) {
    // With a pidfd the process cannot be replaced between the check and the signal.
    const int fd = process.pid > 0 ? static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)) : -1;
    const bool same = fd >= 0 && is_alive(process);
    const bool sent = same && syscall(SYS_pidfd_send_signal, fd, signal, nullptr, 0) == 0;
    const int error = errno;
    if (fd >= 0) close(fd);
    if (!same) return fail(ErrorCode::not_ready, "process {}: gone", process.pid);
    if (!sent)
        return fail(ErrorCode::not_ready, "process {}: signal {}: {}", process.pid, signal, std::strerror(error));
    return {};
}

std::optional<ProcessExit> reap(const ProcessId& child) {
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) != child.pid) return std::nullopt;
    if (WIFSIGNALED(status)) return ProcessExit{0, WTERMSIG(status)};
    return ProcessExit{WEXITSTATUS(status), 0};
}

bool wait_gone(const ProcessId& process, Duration at_most) {
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    while (true) {
        if (reap(process) || !is_alive(process)) return true;
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

void terminate(const ProcessId& process, Duration grace) {
    if (!send_signal(process, SIGTERM)) {
        (void)reap(process);  // A child that has ended by itself would stay a zombie.
        return;
    }
    if (wait_gone(process, grace)) return;
    if (send_signal(process, SIGKILL)) static_cast<void>(wait_gone(process, Duration{5'000}));
}

std::string own_executable() {
    char path[PATH_MAX];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}

Result<std::uint16_t> lasting_port() {
    constexpr std::uint32_t first = 15'000, count = 17'000;
    static std::atomic<std::uint32_t> next = static_cast<std::uint32_t>(getpid()) * 61;  // Labs may start at once.
    for (std::uint32_t tried = 0; tried < count; ++tried) {
        const auto port = static_cast<std::uint16_t>(first + next++ % count);
        if (can_be_bound(port)) return port;
    }
    return fail(ErrorCode::unavailable, "no free loopback port between {} and {}", first, first + count);
}

}  // namespace medic::engine
