#include "engine/flow/runtime/task_body.h"

#include "engine/flow/connectors/file_sink.h"

namespace medic::engine::flow {
namespace {

using std::chrono::milliseconds;

// Hands a value to the next operator of the chain.
class Link final : public Output {
public:
    Link(Operator& next, OperatorMetrics& from, OperatorMetrics& to) : next_(next), from_(from), to_(to) {}
    void emit(const void* value, EventTime timestamp) override {
        from_.records_out.add();
        to_.records_in.add();
        next_.process(value, timestamp);
    }

private:
    Operator& next_;
    OperatorMetrics &from_, &to_;
};

class ToExchange final : public Output {
public:
    ToExchange(ExchangeOutput& exchange, OperatorMetrics& from) : exchange_(exchange), from_(from) {}
    void emit(const void* value, EventTime timestamp) override {
        from_.records_out.add();
        exchange_.emit(value, timestamp);
    }

private:
    ExchangeOutput& exchange_;
    OperatorMetrics& from_;
};

// Several consumers of one output, or none.
class FanOut final : public Output {
public:
    explicit FanOut(std::vector<Output*> outputs) : outputs_(std::move(outputs)) {}
    void emit(const void* value, EventTime timestamp) override {
        for (Output* output : outputs_) output->emit(value, timestamp);
    }

private:
    std::vector<Output*> outputs_;
};

milliseconds duration_setting(const JobGraph& graph, const std::string& key, milliseconds fallback) {
    const auto found = graph.settings.find(key);
    if (found == graph.settings.end()) return fallback;
    const auto parsed = parse_duration_ms(found->second);
    if (!parsed) throw std::invalid_argument(key + ": " + parsed.error().message);
    return milliseconds(*parsed);
}

}  // namespace

class TaskBody::ContextOf final : public OperatorContext {
public:
    ContextOf(TaskBody& body, std::size_t member) : body_(body), member_(member) {
        const Task& task = body.task_;
        const GraphOperator& described = *body.members_[member].described;
        info_ = {task.plan_.job_id,
                 body.task_.plan_.library->graph().name,
                 described.name,
                 described.uid,
                 task.plan_.subtask,
                 body.vertex_.parallelism,
                 task.plan_.library->graph().max_parallelism,
                 task.plan_.generation};
    }
    [[nodiscard]] const SubtaskInfo& info() const override { return info_; }
    Output& output(int tag) override { return body_.output_of(member_, tag); }
    [[nodiscard]] bool cancelled() const override { return body_.task_.cancelled_.load(std::memory_order_relaxed); }
    [[nodiscard]] EventTime watermark() const override { return body_.watermark_; }
    void count_late_record() override { body_.members_[member_].metrics->late_records_dropped.add(); }
    void describe_work(std::string_view what) override { body_.task_.work_ = what; }
    std::unique_ptr<CommitSink> file_sink(const FileSinkOptions& options) override {
        return make_file_sink(options, info_);
    }

private:
    TaskBody& body_;
    std::size_t member_;
    SubtaskInfo info_;
};

TaskBody::TaskBody(Task& task)
    : task_(task),
      environment_(task.plan_.library->environment()),
      vertex_(task.vertex()),
      inputs_(static_cast<std::size_t>(task.plan_.gate->channels())) {}

TaskBody::~TaskBody() = default;

void TaskBody::prepare() {
    const JobGraph& graph = task_.plan_.library->graph();
    buffer_timeout_ = duration_setting(graph, "execution.buffer-timeout", buffer_timeout_);
    watermark_interval_ = duration_setting(graph, "pipeline.auto-watermark-interval", watermark_interval_);
    last_flush_ = last_watermark_ = Clock::now();
    build_chain();
    for (Member& member : members_)
        if (member.op) member.op->open(*member.context);
    restore();
    for (Member& member : members_)
        if (member.op) member.op->ready();
}

void TaskBody::build_chain() {
    const JobGraph& graph = task_.plan_.library->graph();
    for (const GraphOperator& described : vertex_.operators) {
        Member member;
        member.described = &described;
        const Node& node = environment_.nodes()[static_cast<std::size_t>(described.node)];
        if (!node.is_source()) member.op = node.make_operator();
        task_.metrics_.operators.push_back(std::make_unique<OperatorMetrics>());
        member.metrics = task_.metrics_.operators.back().get();
        member.metrics->name = described.name;
        member.metrics->id = described.id;
        members_.push_back(std::move(member));
    }
    for (std::size_t i = 0; i < members_.size(); ++i) members_[i].context = std::make_unique<ContextOf>(*this, i);
    for (std::size_t i = 0; i < vertex_.out_edges.size(); ++i) {
        const GraphEdge& edge = graph.edges[static_cast<std::size_t>(vertex_.out_edges[i])];
        const ExchangeOptions options{edge.shipping, graph.max_parallelism};
        task_.exchanges_.push_back(std::make_unique<ExchangeOutput>(
            options, environment_.nodes()[static_cast<std::size_t>(edge.target_node)].codec,
            std::move(task_.plan_.targets[i]), task_.origin_, task_.cancelled_, task_.metrics_));
    }
}

Output& TaskBody::output_of(std::size_t from, int tag) {
    const int node = members_[from].described->node;
    const JobGraph& graph = task_.plan_.library->graph();
    std::vector<Output*> outputs;
    for (Member& next : members_) {
        const Node& described = environment_.nodes()[static_cast<std::size_t>(next.described->node)];
        if (!next.op || described.input != node || described.input_tag != tag || &next == &members_.front()) continue;
        links_.push_back(std::make_unique<Link>(*next.op, *members_[from].metrics, *next.metrics));
        outputs.push_back(links_.back().get());
    }
    for (std::size_t i = 0; i < vertex_.out_edges.size(); ++i) {
        const GraphEdge& edge = graph.edges[static_cast<std::size_t>(vertex_.out_edges[i])];
        if (edge.source_node != node || edge.tag != tag) continue;
        links_.push_back(std::make_unique<ToExchange>(*task_.exchanges_[i], *members_[from].metrics));
        outputs.push_back(links_.back().get());
    }
    if (outputs.size() == 1) return *outputs.front();
    links_.push_back(std::make_unique<FanOut>(std::move(outputs)));
    return *links_.back();
}

void TaskBody::restore() {
    std::map<std::string, RestoredState> states;
    if (task_.plan_.restore) {
        const auto groups = key_groups_of_subtask(task_.plan_.subtask, vertex_.parallelism,
                                                  task_.plan_.library->graph().max_parallelism);
        auto read = read_snapshots(task_.plan_.snapshot_files, groups);
        if (!read)
            throw std::runtime_error("Could not restore the state of " + vertex_.name + ": " + read.error().message);
        states = *std::move(read);
    }
    for (Member& member : members_)
        if (const auto found = states.find(member.described->uid); member.op && found != states.end())
            member.op->restore(found->second);
    if (vertex_.in_edge < 0) prepare_source(states);
}

void TaskBody::run() {
    if (vertex_.in_edge < 0)
        run_source();
    else
        run_fed();
    for (Member& member : members_)
        if (member.op) member.op->close();
    if (stopped_) return;
    for (const auto& exchange : task_.exchanges_) exchange->flush();
}

void TaskBody::run_fed() {
    while (!finish_) {
        std::optional<InputGate::Deadline> deadline;
        if (dirty() && !stopped_) deadline = last_flush_ + buffer_timeout_;
        int channel = 0;
        std::string frame;
        Mail mail;
        switch (task_.plan_.gate->next(deadline, channel, frame, mail, task_.metrics_.idle)) {
            case InputGate::Woken::frame: take_frame(channel, frame); break;
            case InputGate::Woken::mail: on_mail(mail); break;
            case InputGate::Woken::deadline: break;
            case InputGate::Woken::cancelled: throw Cancelled();
        }
        flush_if_due();
    }
}

void TaskBody::take_frame(int channel, const std::string& frame) {
    task_.metrics_.bytes_in.add(frame.size());
    task_.metrics_.buffers_in.add();
    Member& head = members_.front();
    const EdgeCodec& codec = *environment_.nodes()[static_cast<std::size_t>(head.described->node)].codec;
    for (FrameReader reader(frame); !reader.empty();) {
        switch (reader.kind()) {
            case ElementKind::record:
                task_.metrics_.records_in.add();
                head.metrics->records_in.add();
                reader.record(codec, *head.op, task_.origin_);
                if (task_.cancelled_.load(std::memory_order_relaxed)) throw Cancelled();
                flush_if_due();
                break;
            case ElementKind::watermark: {
                inputs_.advance(static_cast<std::size_t>(channel), reader.time());
                told_idle_ = false;
                if (const EventTime merged = inputs_.merged(); merged > watermark_) advance(merged);
                break;
            }
            case ElementKind::idle:
                inputs_.set_idle(static_cast<std::size_t>(channel));
                if (inputs_.all_idle() && !told_idle_) {
                    told_idle_ = true;
                    for (const auto& exchange : task_.exchanges_) exchange->idle();
                } else if (const EventTime merged = inputs_.merged(); merged > watermark_) {
                    advance(merged);
                }
                break;
            case ElementKind::barrier: on_barrier(channel, reader.barrier()); break;
            default: throw std::runtime_error("exchange: unknown element: the sender speaks another version");
        }
    }
    task_.origin_ = {};
}

// Aligned: a channel whose barrier has come is not read on until the barrier has come on every channel.
void TaskBody::on_barrier(int channel, const Barrier& barrier) {
    task_.origin_ = {};
    if (aligning_ != barrier.checkpoint_id) {
        aligning_ = barrier.checkpoint_id;
        arrived_ = 0;
        alignment_began_ = Clock::now();
        task_.metrics_.start_delay_ns = std::max<std::int64_t>(0, unix_ms_now() - barrier.trigger_unix_ms) * 1'000'000;
    }
    if (++arrived_ < task_.plan_.gate->channels()) {
        task_.plan_.gate->block(channel);
        return;
    }
    const auto took = Clock::now() - alignment_began_;
    task_.metrics_.alignment_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
    aligning_ = 0;
    checkpoint(barrier, std::chrono::duration_cast<milliseconds>(took).count());
    task_.plan_.gate->unblock_all();
}

void TaskBody::advance(EventTime watermark) {
    watermark_ = watermark;
    task_.metrics_.input_watermark = watermark;
    const RecordOrigin during = std::exchange(task_.origin_, RecordOrigin{});
    for (Member& member : members_)
        if (member.op) member.op->watermark(watermark);
    for (const auto& exchange : task_.exchanges_) exchange->watermark(watermark);
    task_.metrics_.output_watermark = watermark;
    task_.origin_ = during;
}

void TaskBody::checkpoint(const Barrier& barrier, std::int64_t alignment_ms) {
    for (const auto& exchange : task_.exchanges_) exchange->barrier(barrier);
    stopped_ = barrier.mode != CheckpointMode::resume;
    const auto began = Clock::now();
    SnapshotWriter writer;
    for (std::size_t i = 0; i < members_.size(); ++i) {
        const auto to = writer.of_operator(members_[i].described->uid);
        if (members_[i].op) {
            members_[i].op->snapshot(barrier.checkpoint_id, *to);
            continue;
        }
        auto& offsets = offsets_of_checkpoint_[barrier.checkpoint_id];
        for (std::size_t p = 0; p < partitions_.size(); ++p) {
            std::string item;
            ByteWriter bytes(item);
            bytes.number(static_cast<std::int32_t>(partitions_[p]));
            bytes.number(next_offsets_[p]);
            bytes.number(time_->highest(p));
            to->list(item);
            if (next_offsets_[p] >= 0) offsets[partitions_[p]] = next_offsets_[p];
        }
    }
    SnapshotReport report;
    report.checkpoint_id = barrier.checkpoint_id;
    report.trigger_unix_ms = barrier.trigger_unix_ms;
    report.folder = barrier.folder;
    report.bytes = std::move(writer).finish();
    report.alignment_ms = alignment_ms;
    report.start_delay_ms = task_.metrics_.start_delay_ns.load() / 1'000'000;
    report.sync_ms = std::chrono::duration_cast<milliseconds>(Clock::now() - began).count();
    task_.host_.task_snapshot(task_, std::move(report));
}

void TaskBody::on_mail(const Mail& mail) {
    switch (mail.kind) {
        case MailKind::finish: finish_ = true; break;
        case MailKind::complete:
            for (Member& member : members_)
                if (member.op) member.op->checkpoint_complete(mail.checkpoint_id);
            if (const auto offsets = offsets_of_checkpoint_.find(mail.checkpoint_id);
                offsets != offsets_of_checkpoint_.end()) {
                reader_->commit(offsets->second);
                offsets_of_checkpoint_.erase(offsets_of_checkpoint_.begin(), std::next(offsets));
            }
            break;
        case MailKind::trigger:
            if (!reader_) break;
            task_.metrics_.start_delay_ns = std::max<std::int64_t>(0, unix_ms_now() - mail.trigger_unix_ms) * 1'000'000;
            if (mail.mode == CheckpointMode::drain) advance(end_of_time);
            checkpoint({mail.checkpoint_id, mail.trigger_unix_ms, mail.mode, mail.folder}, 0);
            break;
    }
}

bool TaskBody::dirty() const {
    for (const auto& exchange : task_.exchanges_)
        if (exchange->dirty()) return true;
    return false;
}

void TaskBody::flush_if_due() {
    if (stopped_ || !dirty()) return;
    const auto now = Clock::now();
    if (now - last_flush_ < buffer_timeout_) return;
    last_flush_ = now;
    for (const auto& exchange : task_.exchanges_) exchange->flush();
}

}  // namespace medic::engine::flow
