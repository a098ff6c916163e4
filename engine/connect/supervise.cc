// The herder's supervising thread: starts, hears, signals and reaps the task processes.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <nlohmann/json.hpp>

#include "engine/common/log.h"
#include "engine/connect/herder_internal.h"

namespace medic::engine::connect {
namespace {

using nlohmann::json;

constexpr int task_link_fd = 3;
constexpr std::size_t trace_bytes_max = 64 << 10;

SteadyTime steady_now() { return std::chrono::steady_clock::now(); }

std::string killed_trace(const TaskKey& key, const ProcessId& id, const ProcessExit& end) {
    if (end.signal != 0)
        return fmt::format(
            "org.apache.kafka.connect.errors.ConnectException: process {} of task {} killed by signal {} ({})\n",
            id.pid, to_string(key), end.signal, strsignal(end.signal));
    return fmt::format(
        "org.apache.kafka.connect.errors.ConnectException: process {} of task {} ended with exit code {}\n", id.pid,
        to_string(key), end.code);
}

}  // namespace

std::vector<Herder::TaskSlot*> Herder::slots() {
    std::vector<TaskSlot*> all;
    for (auto& [name, connector] : connectors_)
        for (auto& [task, slot] : connector.tasks) all.push_back(&slot);
    for (auto& slot : retired_) all.push_back(&slot);
    return all;
}

void Herder::run(const StopSignal& signal) {
    while (!signal.wait_for(Duration{0})) {
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) break;
            reconcile();
        }
        wait_for_events(signal);
    }
    stop_all();
}

void Herder::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    settled_.notify_all();
    wake();
}

void Herder::reconcile() {
    for (TaskSlot* slot : slots()) {
        if (slot->process) read_messages(*slot);
        if (slot->process && !slot->process->link_open) {
            if (const auto end = reap(slot->process->id)) on_exit(*slot, *end);
        }
        step(*slot);
    }
    std::erase_if(retired_, [](const TaskSlot& slot) { return !slot.process; });
    settled_.notify_all();
}

// Brings one task one step nearer to what is wanted.
void Herder::step(TaskSlot& slot) {
    if (slot.settled == slot.wanted || (slot.process && is_ending(slot))) return;
    if (slot.should_run) start_process(slot);
    slot.settled = slot.wanted;
}

// Asks the task to end, and waits as long as a graceful stop may take. As in Kafka Connect it is not torn down by force
// then: the next one starts beside it.
bool Herder::is_ending(TaskSlot& slot) {
    auto& process = *slot.process;
    if (!process.stop_deadline) {
        process.link->send(R"({"t":"stop"})");
        static_cast<void>(send_signal(process.id, SIGTERM));
        process.stop_deadline = steady_now() + options_.graceful;
    }
    if (steady_now() < *process.stop_deadline) return true;
    log_error("connect-worker", "Graceful stop of task {} failed: process {} did not end within {} ms",
              to_string(slot.key), process.id.pid, options_.graceful.count());
    process.stop_deadline.reset();
    if (slot.should_run) leave_behind(slot);
    return false;
}

void Herder::leave_behind(TaskSlot& slot) {
    TaskSlot& left = retired_.emplace_back();
    left.key = slot.key;
    left.should_run = false;
    left.process = std::move(slot.process);
    slot.process.reset();
}

void Herder::start_process(TaskSlot& slot) {
    ++task_starts_;
    slot.trace.clear();
    slot.metrics.clear();
    if (slot.state != State::restarting) slot.state = State::unassigned;
    const StoredConnector& stored = connectors_.at(slot.key.connector).stored;
    int ends[2] = {-1, -1};
    Result<ProcessId> id = fail(ErrorCode::unavailable, "socketpair: {}", std::strerror(errno));
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0) {
        ProcessSpec spec;
        spec.argv = {options_.program,   "connect-task", "--connector",
                     slot.key.connector, "--task",       std::to_string(slot.key.task)};
        spec.fds = {{ends[1], task_link_fd}};
        id = spawn(spec);
        close(ends[1]);
    }
    if (!id) {
        if (ends[0] >= 0) close(ends[0]);
        ++task_start_failures_;
        slot.state = State::failed;
        slot.trace = "org.apache.kafka.connect.errors.ConnectException: " + id.error().message + "\n";
        return;
    }
    slot.process.emplace(TaskSlot::Process{*id, std::make_unique<Link>(ends[0]), true, std::nullopt});
    // The configuration travels over the link, not on the command line: it may hold secrets.
    const json start = {{"t", "start"},
                        {"config", stored.config},
                        {"paused", stored.target == State::paused},
                        {"bootstrap", options_.bootstrap},
                        {"data_dir", options_.data_dir},
                        {"flush_ms", options_.flush.count()}};
    slot.process->link->send(start.dump(-1, ' ', false, json::error_handler_t::replace));
    log_info("connect-worker", "started task {} as process {}", to_string(slot.key), id->pid);
}

void Herder::read_messages(TaskSlot& slot) {
    if (!slot.process->link_open) return;
    std::vector<std::string> lines;
    const bool open = slot.process->link->receive(lines);
    for (const auto& line : lines) take_message(slot, line);
    slot.process->link_open = open;
}

void Herder::take_message(TaskSlot& slot, const std::string& line) {
    try {
        const json message = json::parse(line);
        const auto kind = message.at("t").get<std::string>();
        if (kind == "state") {
            slot.state = parse_state(message.at("state").get<std::string>()).value_or(slot.state);
        } else if (kind == "failed") {
            slot.state = State::failed;
            slot.trace = message.at("trace").get<std::string>().substr(0, trace_bytes_max);
        } else if (kind == "metrics") {
            slot.metrics = message.at("values").get<std::map<std::string, double>>();
        } else if (kind == "offsets") {
            for (const auto& entry : message.at("offsets"))
                slot.offsets[entry.at("partition").dump()] = entry.at("offset").dump();
            slot.topics = message.at("topics").get<std::vector<std::string>>();
        }
    } catch (const json::exception& error) {
        log_warn("connect-worker", "task {}: message not understood: {}", to_string(slot.key), error.what());
    }
}

void Herder::on_exit(TaskSlot& slot, const ProcessExit& end) {
    const ProcessId id = slot.process->id;
    const bool asked = slot.process->stop_deadline.has_value() || !slot.should_run;
    slot.process.reset();
    slot.metrics.clear();  // Nobody measures any more.
    if (end.signal == 0 && end.code == 0 && asked) {
        log_info("connect-worker", "task {}: process {} stopped", to_string(slot.key), id.pid);
        slot.state = State::unassigned;
        return;
    }
    if (slot.state != State::failed) {
        slot.state = State::failed;
        slot.trace = killed_trace(slot.key, id, end);
    }
    log_error("connect-worker", "task {}: {}", to_string(slot.key), slot.trace.substr(0, slot.trace.find('\n')));
}

// Until a task says something, a signal or a wish comes, or a graceful stop runs out.
void Herder::wait_for_events(const StopSignal& signal) {
    std::vector<pollfd> fds = {{signal.fd(), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    int timeout_ms = -1;
    {
        const std::lock_guard lock(mutex_);
        for (TaskSlot* slot : slots()) {
            if (!slot->process) continue;
            if (slot->process->link_open) fds.push_back({slot->process->link->fd(), POLLIN, 0});
            int wanted_ms = -1;
            if (!slot->process->link_open) {
                wanted_ms = 5;  // It is ending: reap it soon.
            } else if (slot->process->stop_deadline) {
                const auto left = *slot->process->stop_deadline - steady_now();
                wanted_ms = std::max(1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
            }
            if (wanted_ms >= 0) timeout_ms = timeout_ms < 0 ? wanted_ms : std::min(timeout_ms, wanted_ms);
        }
    }
    poll(fds.data(), fds.size(), timeout_ms);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = read(wake_fd_, &count, sizeof count);
}

// The worker's own end: every task gets the grace together; what still hangs dies with the worker, as threads of a JVM
// do.
void Herder::stop_all() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    settled_.notify_all();
    const auto deadline = steady_now() + options_.graceful;
    for (TaskSlot* slot : slots()) {
        if (!slot->process) continue;
        slot->process->link->send(R"({"t":"stop"})");
        static_cast<void>(send_signal(slot->process->id, SIGTERM));
    }
    for (TaskSlot* slot : slots()) {
        if (!slot->process) continue;
        const auto left = std::chrono::duration_cast<Duration>(deadline - steady_now());
        terminate(slot->process->id, std::max(Duration{0}, left));
        slot->process.reset();
    }
}

}  // namespace medic::engine::connect
