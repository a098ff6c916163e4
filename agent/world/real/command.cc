#include "agent/world/real/command.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/plain_text.h"
#include "agent/world/real/reactor_internal.h"

extern char** environ;

namespace medic {
namespace {

using Descriptor = boost::asio::posix::stream_descriptor;

struct Run : std::enable_shared_from_this<Run> {
    Run(Reactor& reactor_in, CommandRequest request_in, std::function<void(Result<CommandReply>)> done_in)
        : reactor(reactor_in),
          request(std::move(request_in)),
          done(std::move(done_in)),
          out(reactor.native().context),
          err(reactor.native().context),
          process(reactor.native().context) {}

    void start();
    void give_up(const std::string& why);
    void read(Descriptor& from, std::string& into, std::array<char, 4096>& buffer);
    void on_exit();
    void finish_if_complete();

    Reactor& reactor;
    CommandRequest request;
    std::function<void(Result<CommandReply>)> done;
    Descriptor out, err, process;
    std::array<char, 4096> out_buffer{}, err_buffer{};
    CommandReply reply;
    pid_t pid = -1;
    int open_streams = 2;
    bool exited = false, timed_out = false, finished = false;
    Reactor::TimerId deadline = 0;
};

// A file in memory that holds `text`: unlike a pipe it can't block us, whether the program reads it or not.
int file_of(const std::string& text) {
    const int file = memfd_create("input", MFD_CLOEXEC);
    if (file < 0) return -1;
    if (write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && lseek(file, 0, SEEK_SET) == 0)
        return file;
    close(file);
    return -1;
}

// Runs it in its own process group, so that the deadline reaches its children too. `in_fd` -1: it reads nothing.
Result<pid_t> spawn(const std::vector<std::string>& arguments, int in_fd, int out_fd, int err_fd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (in_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, in_fd, 0);
    else
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
    posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
    // What a command starts may outlive the agent: with our listening socket in its hands no new agent could listen.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0)
        return fail(ErrorCode::unavailable, "{}: could not be started: {}", arguments[0], std::strerror(error));
    return pid;
}

void Run::start() {
    int out_pipe[2] = {-1, -1}, err_pipe[2] = {-1, -1};
    if (pipe2(out_pipe, O_CLOEXEC) != 0 || pipe2(err_pipe, O_CLOEXEC) != 0) {
        for (const int fd : {out_pipe[0], out_pipe[1]})
            if (fd >= 0) close(fd);
        done(fail(ErrorCode::unavailable, "{}: no pipes: {}", request.argv[0], std::strerror(errno)));
        return;
    }
    const int input = request.input.empty() ? -1 : file_of(request.input);
    const auto started = request.input.empty() || input >= 0
                             ? spawn(request.argv, input, out_pipe[1], err_pipe[1])
                             : Result<pid_t>(fail(ErrorCode::unavailable, "{}: no memory for its input: {}",
                                                  request.argv[0], std::strerror(errno)));
    if (input >= 0) close(input);
    close(out_pipe[1]);
    close(err_pipe[1]);
    if (!started) {
        close(out_pipe[0]);
        close(err_pipe[0]);
        done(std::unexpected(started.error()));
        return;
    }
    pid = *started;
    out.assign(out_pipe[0]);
    err.assign(err_pipe[0]);
    const int watched = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    if (watched < 0) return give_up(std::strerror(errno));
    process.assign(watched);
    read(out, reply.output, out_buffer);
    read(err, reply.errors, err_buffer);
    process.async_wait(Descriptor::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->on_exit();
    });
    deadline = reactor.after(request.timeout, [self = shared_from_this()] {
        self->timed_out = true;
        kill(-self->pid, SIGKILL);
    });
}

// Without a descriptor its end can't be seen: no more of it runs than has by now.
void Run::give_up(const std::string& why) {
    kill(-pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    done(fail(ErrorCode::outcome_unknown, "{}: begun and killed at once, its end could not be watched: {}",
              request.argv[0], why));
}

void Run::read(Descriptor& from, std::string& into, std::array<char, 4096>& buffer) {
    from.async_read_some(boost::asio::buffer(buffer), [self = shared_from_this(), &from, &into, &buffer](
                                                          const boost::system::error_code& error, std::size_t count) {
        if (error) {
            --self->open_streams;
            return self->finish_if_complete();
        }
        const std::size_t room = self->request.output_bytes_max - into.size();
        into.append(buffer.data(), std::min(count, room));
        self->read(from, into, buffer);
    });
}

void Run::on_exit() {
    int status = 0;
    waitpid(pid, &status, 0);
    reply.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    exited = true;
    // It has ended by itself: the deadline is no longer its, and what it has left running is not to be killed for it.
    reactor.cancel(deadline);
    // A program that it left behind may hold the pipes open: what it has written by now is all that counts.
    constexpr Duration pipes_close_within{200};
    if (open_streams > 0)
        reactor.after(pipes_close_within, [self = shared_from_this()] {
            boost::system::error_code ignored;
            self->out.close(ignored);
            self->err.close(ignored);
        });
    finish_if_complete();
}

void Run::finish_if_complete() {
    if (!exited || open_streams > 0 || finished) return;
    finished = true;
    if (timed_out)
        return done(fail(ErrorCode::outcome_unknown, "{}: not finished within {} ms, killed", request.argv[0],
                         request.timeout.count()));
    done(std::move(reply));
}

constexpr std::size_t shown_bytes_max = 100;  // Of an argument in a message.

std::string filled_argument(const std::string& argument, const std::map<std::string, std::string>& values) {
    std::string text;
    for (std::size_t at = 0; at < argument.size();) {
        const auto close = argument[at] == '{' ? argument.find('}', at) : std::string::npos;
        const auto value =
            close == std::string::npos ? values.end() : values.find(argument.substr(at + 1, close - at - 1));
        if (value == values.end()) {
            text += argument[at++];
            continue;
        }
        text += value->second;  // Put in as it is and not looked at again: a value can't bring placeholders with it.
        at = close + 1;
    }
    return text;
}

}  // namespace

Result<std::vector<std::string>> filled(const std::vector<std::string>& argv,
                                        const std::map<std::string, std::string>& values) {
    std::vector<std::string> out;
    for (const std::string& argument : argv) {
        std::string text = filled_argument(argument, values);
        if (text.starts_with('-') && !argument.starts_with('-'))
            return fail(ErrorCode::invalid,
                        "`{}` is not run: `{}` in it would become `{}`, which a program takes for an option", argv[0],
                        argument, shortened(std::move(text), shown_bytes_max));
        out.push_back(std::move(text));
    }
    return out;
}

void run_command(Reactor& reactor, CommandRequest request, std::function<void(Result<CommandReply>)> done) {
    if (request.argv.empty() || request.argv[0].empty()) {
        reactor.post([done = std::move(done)] { done(fail(ErrorCode::invalid, "an empty command")); });
        return;
    }
    std::make_shared<Run>(reactor, std::move(request), std::move(done))->start();
}

}  // namespace medic
