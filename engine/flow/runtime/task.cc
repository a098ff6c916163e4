#include "engine/flow/runtime/task.h"

#include <pthread.h>
#include <unistd.h>

#include "engine/flow/runtime/task_body.h"

namespace medic::engine::flow {
namespace {

// The source that everything in this vertex came from: a vertex reads one edge, so there is one.
const Node& source_of(const JobLibrary& library, const GraphVertex& vertex) {
    int node = vertex.operators.front().node;
    const auto& nodes = library.environment().nodes();
    while (nodes[static_cast<std::size_t>(node)].input >= 0) node = nodes[static_cast<std::size_t>(node)].input;
    return nodes[static_cast<std::size_t>(node)];
}

}  // namespace

std::string_view to_string(TaskState state) {
    switch (state) {
        case TaskState::initializing: return "INITIALIZING";
        case TaskState::running: return "RUNNING";
        case TaskState::finished: return "FINISHED";
        case TaskState::canceled: return "CANCELED";
        case TaskState::failed: return "FAILED";
    }
    return "FAILED";
}

Task::Task(TaskPlan plan, TaskHost& host) : plan_(std::move(plan)), host_(host) {}

Task::~Task() {
    if (thread_.joinable()) thread_.join();
}

const GraphVertex& Task::vertex() const {
    return plan_.library->graph().vertices[static_cast<std::size_t>(plan_.vertex)];
}

void Task::start() {
    started_ = true;
    thread_ = std::thread([this] { run(); });
}

void Task::cancel() {
    cancelled_ = true;
    plan_.gate->cancel();
    interrupt_again();
    if (!started_) ended_ = true;
}

void Task::interrupt_again() {
    if (const pthread_t handle = handle_.load(); handle != 0 && !ended_) interrupt(handle);
}

std::string Task::thread_name() const {
    return fmt::format("{} ({}/{})#{}", vertex().name, plan_.subtask + 1, vertex().parallelism, plan_.attempt);
}

std::vector<std::string> Task::stack() const {
    const pthread_t handle = handle_.load();
    return handle != 0 && !ended_ ? stack_of(handle) : std::vector<std::string>{};
}

double Task::output_usage() const {
    if (state_ != TaskState::running || exchanges_.empty()) return 0;
    double sum = 0;
    for (const auto& exchange : exchanges_) sum += exchange->usage();
    return sum / static_cast<double>(exchanges_.size());
}

void Task::run() {
    handle_ = pthread_self();
    thread_id_ = gettid();
    pthread_setname_np(pthread_self(), vertex().name.substr(0, 15).c_str());
    const FaultScope faults;
    TaskFailure failure;
    TaskState end = TaskState::finished;
    {
        TaskBody body(*this);
        try {
            const std::int64_t began = steady_ns();
            body.prepare();
            metrics_.initialization_ms = (steady_ns() - began) / 1'000'000;
            metrics_.running_since_ns = steady_ns();
            state_ = TaskState::running;
            host_.task_changed(*this, TaskState::running, nullptr);
            body.run();
        } catch (const Cancelled&) {
            end = TaskState::canceled;
        } catch (...) {
            end = cancelled_ ? TaskState::canceled
                             : TaskState::failed;  // What goes wrong while being cancelled is noise.
            const ExceptionReport report = describe_failure();
            failure.exception = report.type;
            failure.process_must_end = report.process_must_end;
            std::string message = report.message;
            if (const Node& source = source_of(*plan_.library, vertex()); origin_.partition >= 0)
                message +=
                    fmt::format(" while handling a record of topic '{}' partition {} offset {}",
                                source.kafka ? source.kafka->topic : source.name, origin_.partition, origin_.offset);
            else if (!work_.empty())
                message += " while handling the " + work_;
            failure.stack_trace = report.type + ": " + message;
            for (const std::string& frame : report.frames) failure.stack_trace += "\n\tat " + frame;
            failure.stack_trace += "\n";
        }
    }
    if (cancelled_ && end == TaskState::finished) end = TaskState::canceled;
    state_ = end;
    ended_ = true;
    handle_ = 0;
    host_.task_changed(*this, end, end == TaskState::failed ? &failure : nullptr);
}

}  // namespace medic::engine::flow
