#include <algorithm>
#include <filesystem>

#include "engine/common/log.h"
#include "engine/flow/taskmanager/execution_internal.h"

namespace medic::engine::flow {
namespace {

using json = nlohmann::json;

constexpr int exclusive_buffers = 2;  // taskmanager.network.memory.buffers-per-channel
constexpr int floating_buffers = 8;   // taskmanager.network.memory.floating-buffers-per-gate

std::int64_t setting_ms(const JobGraph& graph, const std::string& key, std::int64_t fallback) {
    const auto found = graph.settings.find(key);
    if (found == graph.settings.end()) return fallback;
    return parse_duration_ms(found->second).value_or(fallback);
}

}  // namespace

Execution::~Execution() {
    *expect_loss_ = true;
    environment_.server.remove(execution_key());
    for (const auto& task : tasks_) task->cancel();
    tasks_.clear();
}

std::string Execution::execution_key() const { return fmt::format("{}/{}", job_id_, generation_); }

Status Execution::read_order(const json& order) {
    job_id_ = order.at("job").get<std::string>();
    generation_ = order.at("generation").get<std::int64_t>();
    attempt_ = order.at("attempt").get<int>();
    restore_ = order.at("restore").get<bool>();
    snapshot_files_ = order.at("snapshot_files").get<std::vector<std::string>>();
    for (const json& vertex : order.at("placements")) {
        placements_.emplace_back();
        for (const json& place : vertex)
            placements_.back().push_back({place.at("resource_id").get<std::string>(),
                                          place.at("host").get<std::string>(), place.at("data_port").get<int>()});
    }
    JobProgram program{
        order.at("artifact").get<std::string>(),
        order.at("entry_class").get<std::string>(),
        order.at("arguments").get<std::vector<std::string>>(),
        {order.at("parallelism").get<int>(), order.at("settings").get<std::map<std::string, std::string>>()}};
    MEDIC_TRY(library_, JobLibrary::load(program));
    if (placements_.size() != library_->graph().vertices.size())
        return fail(ErrorCode::invalid,
                    "the artifact's job graph differs from the one the job manager knows: its entry function must not "
                    "depend on time or place");
    cancellation_interval_ms_ = setting_ms(library_->graph(), "task.cancellation.interval", cancellation_interval_ms_);
    cancellation_timeout_ms_ = setting_ms(library_->graph(), "task.cancellation.timeout", cancellation_timeout_ms_);
    return {};
}

Status Execution::deploy(const json& order) {
    MEDIC_CHECK(read_order(order));
    for (std::size_t vertex = 0; vertex < placements_.size(); ++vertex)
        for (std::size_t subtask = 0; subtask < placements_[vertex].size(); ++subtask)
            if (placements_[vertex][subtask].resource_id == environment_.resource_id)
                ordered_.push_back({static_cast<int>(vertex), static_cast<int>(subtask)});
    create_gates();
    environment_.server.add(execution_key(), inputs_);
    return {};
}

void Execution::create_gates() {
    inputs_ = std::make_shared<JobInputs>();
    const JobGraph& graph = library_->graph();
    for (const Ordered& place : ordered_) {
        const GraphVertex& vertex = graph.vertices[static_cast<std::size_t>(place.vertex)];
        int channels = 0;
        if (vertex.in_edge >= 0)
            channels = graph
                           .vertices[static_cast<std::size_t>(
                               graph.edges[static_cast<std::size_t>(vertex.in_edge)].source_vertex)]
                           .parallelism;
        frames_per_channel_ = exclusive_buffers + (channels > 0 ? std::max(1, floating_buffers / channels) : 1);
        auto gate = std::make_shared<InputGate>(channels, frames_per_channel_);
        gates_[{place.vertex, place.subtask}] = gate;
        for (int from = 0; from < channels; ++from) {
            const ChannelId id{static_cast<std::uint16_t>(vertex.in_edge), static_cast<std::uint16_t>(from),
                               static_cast<std::uint16_t>(place.subtask)};
            inputs_->channels[id.packed()] = {gate, from};
        }
    }
    inputs_->on_lost = [expect = expect_loss_, send = environment_.send, job = job_id_,
                        generation = generation_](const std::string& sender) {
        if (*expect) return;
        send({{"type", "failed"},
              {"job", job},
              {"generation", generation},
              {"vertex", -1},
              {"subtask", -1},
              {"exception", "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException"},
              {"stack_trace",
               "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly "
               "closed by remote task manager '" +
                   sender + "'. This might indicate that the remote task manager was lost.\n"}});
    };
}

Result<std::shared_ptr<DataSender>> Execution::sender_to(const Placement& peer) {
    auto& sender = senders_[peer.resource_id];
    if (sender) return sender;
    const std::string name = fmt::format("{}:{} [ {} ] ", peer.host, peer.data_port, peer.resource_id);
    const std::string own = fmt::format("127.0.0.1:{} [ {} ] ", environment_.server.port(), environment_.resource_id);
    MEDIC_TRY(sender, DataSender::connect(peer.host, peer.data_port, execution_key(), own, name));
    return sender;
}

Result<std::vector<std::vector<std::unique_ptr<FrameTarget>>>> Execution::targets_of(int vertex, int subtask) {
    const JobGraph& graph = library_->graph();
    std::vector<std::vector<std::unique_ptr<FrameTarget>>> all;
    for (const int edge : graph.vertices[static_cast<std::size_t>(vertex)].out_edges) {
        const int target = graph.edges[static_cast<std::size_t>(edge)].target_vertex;
        const int from_count = graph.vertices[static_cast<std::size_t>(vertex)].parallelism;
        const int credits =
            exclusive_buffers + std::max(1, floating_buffers / from_count);  // As the receiver's create_gates().
        std::vector<std::unique_ptr<FrameTarget>> targets;
        for (int to = 0; to < graph.vertices[static_cast<std::size_t>(target)].parallelism; ++to) {
            const Placement& place = placements_[static_cast<std::size_t>(target)][static_cast<std::size_t>(to)];
            if (place.resource_id == environment_.resource_id) {
                targets.push_back(local_target(gates_.at({target, to}), subtask));
                continue;
            }
            MEDIC_TRY(auto sender, sender_to(place));
            targets.push_back(remote_target(
                sender,
                {static_cast<std::uint16_t>(edge), static_cast<std::uint16_t>(subtask), static_cast<std::uint16_t>(to)},
                credits));
        }
        all.push_back(std::move(targets));
    }
    return all;
}

Status Execution::start(const json&) {
    for (const Ordered& place : ordered_) {
        TaskPlan plan;
        plan.library = library_;
        plan.vertex = place.vertex;
        plan.subtask = place.subtask;
        plan.attempt = attempt_;
        plan.job_id = job_id_;
        plan.generation = generation_;
        plan.gate = gates_.at({place.vertex, place.subtask});
        plan.restore = restore_;
        plan.snapshot_files = snapshot_files_;
        MEDIC_TRY(plan.targets, targets_of(place.vertex, place.subtask));
        tasks_.push_back(std::make_unique<Task>(std::move(plan), *this));
    }
    for (const auto& task : tasks_) task->start();
    return {};
}

void Execution::mail(const json& order) {
    Mail mail;
    const std::string type = order.at("type").get<std::string>();
    if (type == "trigger") {
        mail.kind = MailKind::trigger;
        mail.mode = static_cast<CheckpointMode>(order.at("mode").get<int>());
        mail.folder = order.at("folder").get<std::string>();
        mail.trigger_unix_ms = order.at("trigger_unix_ms").get<std::int64_t>();
    } else {
        mail.kind = type == "complete" ? MailKind::complete : MailKind::finish;
        if (mail.kind == MailKind::finish) *expect_loss_ = true;
    }
    if (order.contains("checkpoint")) mail.checkpoint_id = order.at("checkpoint").get<std::int64_t>();
    for (const auto& task : tasks_)
        if (mail.kind != MailKind::trigger || task->vertex().in_edge < 0) task->gate().post(mail);
}

void Execution::cancel() {
    if (std::exchange(cancelled_, true)) return;
    *expect_loss_ = true;
    cancel_began_ms_ = last_interrupt_ms_ = steady_ns() / 1'000'000;
    for (const auto& [place, gate] : gates_) gate->cancel();
    for (const auto& task : tasks_) task->cancel();
}

void Execution::tick(std::int64_t now_ms) {
    if (!cancelled_ || all_ended()) return;
    constexpr std::int64_t first_interrupts_ms = 1'000;  // Early on an interrupt can fall between two system calls.
    if (now_ms - last_interrupt_ms_ >=
        (now_ms - cancel_began_ms_ < 10'000 ? first_interrupts_ms : cancellation_interval_ms_)) {
        last_interrupt_ms_ = now_ms;
        for (const auto& task : tasks_) {
            if (task->ended()) continue;
            std::string stack;
            for (const std::string& frame : task->stack()) stack += "\n\tat " + frame;
            log_warn(
                "taskmanager",
                "Task '{}' did not react to cancelling signal - interrupting; it is stuck for {} seconds in method:{}",
                task->thread_name(), (now_ms - cancel_began_ms_) / 1000, stack);
            task->interrupt_again();
        }
    }
    if (cancellation_timeout_ms_ > 0 && now_ms - cancel_began_ms_ >= cancellation_timeout_ms_)
        environment_.die(
            fmt::format("Task did not exit gracefully within {} + seconds.", cancellation_timeout_ms_ / 1000));
}

bool Execution::all_ended() const {
    return std::all_of(tasks_.begin(), tasks_.end(), [](const auto& task) { return task->ended(); });
}

json Execution::about(const Task& task, const char* type) const {
    return {{"type", type},
            {"job", job_id_},
            {"generation", generation_},
            {"vertex", task.plan().vertex},
            {"subtask", task.plan().subtask}};
}

void Execution::task_changed(Task& task, TaskState state, const TaskFailure* failure) {
    if (failure) {
        log_warn("taskmanager", "{} switched from RUNNING to FAILED with failure cause:\n{}", task.thread_name(),
                 failure->stack_trace);
        json message = about(task, "failed");
        message["exception"] = failure->exception;
        message["stack_trace"] = failure->stack_trace;
        environment_.send(std::move(message));
        if (failure->process_must_end)
            environment_.die("memory of this process can no longer be trusted: " + failure->exception);
        return;
    }
    json message = about(task, "state");
    message["state"] = to_string(state);
    environment_.send(std::move(message));
}

void Execution::task_snapshot(Task& task, SnapshotReport report) {
    auto message = about(task, "acknowledge");
    const std::string path = fmt::format("{}/{}-{}", report.folder, task.vertex().id, task.plan().subtask);
    environment_.store_later([message, path, report = std::move(report), send = environment_.send]() mutable {
        const std::int64_t began = steady_ns();
        const auto stored = write_durably(path, report.bytes);
        message["checkpoint"] = report.checkpoint_id;
        message["path"] = path;
        message["size"] = report.bytes.size();
        message["alignment_ms"] = report.alignment_ms;
        message["start_delay_ms"] = report.start_delay_ms;
        message["sync_ms"] = report.sync_ms;
        message["async_ms"] = (steady_ns() - began) / 1'000'000;
        if (!stored) message["declined"] = stored.error().message;
        send(std::move(message));
    });
}

void Execution::task_exhausted(Task& task) { environment_.send(about(task, "exhausted")); }

}  // namespace medic::engine::flow
