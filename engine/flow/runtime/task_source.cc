// The part of TaskBody that only sources have: partitions, their time, offsets.
#include "engine/flow/runtime/task_body.h"

namespace medic::engine::flow {
namespace {
using std::chrono::milliseconds;
constexpr milliseconds idle_poll{50};  // How long a source without records waits before it looks at its commands again.
}  // namespace

void TaskBody::prepare_source(const std::map<std::string, RestoredState>& states) {
    const Node& node = environment_.nodes()[static_cast<std::size_t>(vertex_.operators.front().node)];
    const Task& task = task_;
    adapter_ = node.make_adapter();
    reader_ =
        make_partition_reader(node, {task.plan_.subtask, vertex_.parallelism, task_.cancelled_, task_.metrics_.source});

    struct Restored {
        std::int64_t next_offset;
        EventTime highest;
    };
    std::map<int, Restored> restored;
    if (const auto found = states.find(node.uid); found != states.end()) {
        found->second.each_list([&](std::string_view item) {
            ByteReader from(item);
            const int partition = from.number<std::int32_t>();
            const auto next_offset = from.number<std::int64_t>();
            restored[partition] = {next_offset, from.number<EventTime>()};
        });
    }
    std::vector<PartitionStart> starts;
    for (int partition = task.plan_.subtask; partition < reader_->partition_count(); ++partition) {
        if (subtask_of_partition(partition, vertex_.parallelism) != task.plan_.subtask) continue;
        const auto found = restored.find(partition);
        starts.push_back({partition, found == restored.end() ? -1 : found->second.next_offset});
        partitions_.push_back(partition);
        next_offsets_.push_back(starts.back().next_offset);
        auto metrics = std::make_unique<PartitionMetrics>();
        metrics->topic = node.kafka ? node.kafka->topic : node.name;
        metrics->partition = partition;
        metrics->current_offset = starts.back().next_offset < 0 ? -1 : starts.back().next_offset - 1;
        task_.metrics_.source.partitions.push_back(std::move(metrics));
    }
    reader_->assign(starts);
    // Else a partition without a record would have no offset in a checkpoint, and begin anew after a failure: with
    // "latest", behind all that was written meanwhile.
    for (std::size_t i = 0; i < partitions_.size(); ++i) next_offsets_[i] = reader_->position(partitions_[i]);
    time_ = std::make_unique<PartitionWatermarks>(partitions_.size(), node.watermarks.max_out_of_orderness_ms,
                                                  node.watermarks.idle_timeout_ms, steady_ms());
    for (std::size_t i = 0; i < partitions_.size(); ++i)
        if (const auto found = restored.find(partitions_[i]);
            found != restored.end() && found->second.highest != no_time)
            time_->observe(i, found->second.highest, steady_ms());
    source_output_ = std::make_unique<SourceOutput>(*this, output_of(0, 0));
}

void TaskBody::run_source() {
    while (!finish_) {
        int channel = 0;
        std::string frame;
        Mail mail;
        // Between commands it reads; once stopped or exhausted it only waits for commands.
        const auto until = Clock::now() + (stopped_ || exhausted_ ? idle_poll : milliseconds(0));
        switch (task_.plan_.gate->next(until, channel, frame, mail, task_.metrics_.idle)) {
            case InputGate::Woken::mail: on_mail(mail); continue;
            case InputGate::Woken::cancelled: throw Cancelled();
            default: break;
        }
        if (stopped_) continue;
        if (!exhausted_) read_records();
        emit_source_watermark(false);
        flush_if_due();
    }
}

void TaskBody::read_records() {
    constexpr int between_clocks = 64;  // Records between two looks at the clock where none blocks.
    Member& head = members_.front();
    SourceRecord record;
    int since_clock = between_clocks;
    while (!task_.plan_.gate->has_mail() && !task_.cancelled_.load(std::memory_order_relaxed)) {
        if (!reader_->next(record)) {
            task_.origin_ = {};
            bool all = true;
            for (std::size_t i = 0; i < partitions_.size(); ++i) {
                if (reader_->exhausted(partitions_[i]))
                    time_->finish(i);
                else
                    all = false;
            }
            if (all && (partitions_.empty() || time_->merged() == end_of_time)) {
                exhausted_ = true;
                emit_source_watermark(true);
                task_.host_.task_exhausted(task_);
                return;
            }
            const Waiting waiting(task_.metrics_.idle);
            reader_->wait(idle_poll);
            return;
        }
        if (++since_clock >= between_clocks) {
            since_clock = 0;
            source_output_->now_ms = steady_ms();
        }
        const auto index = static_cast<std::size_t>(record.partition / vertex_.parallelism);
        task_.origin_ = {record.partition, record.offset};
        task_.metrics_.records_in.add();
        head.metrics->records_in.add();
        source_output_->partition = index;
        adapter_->emit(record, *source_output_);
        next_offsets_[index] = record.offset + 1;
        task_.metrics_.source.partitions[index]->current_offset.store(record.offset, std::memory_order_relaxed);
        if (since_clock == 0) {
            emit_source_watermark(false);
            flush_if_due();
        }
    }
    task_.origin_ = {};
}

void TaskBody::emit_source_watermark(bool force) {
    const auto now = Clock::now();
    if (!force && now - last_watermark_ < watermark_interval_) return;
    last_watermark_ = now;
    if (source_output_->last_timestamp != no_time) {
        task_.metrics_.source.last_record_ns = steady_ns();
        task_.metrics_.source.emit_event_time_lag_ms = unix_ms_now() - source_output_->last_timestamp;
        source_output_->last_timestamp = no_time;
    }
    if (!exhausted_)
        time_->check_idle(steady_ms(), [&](std::size_t i) { return reader_->empty_at_ms(partitions_[i]); });
    if (partitions_.empty() || time_->all_idle()) {
        if (!told_idle_)
            for (const auto& exchange : task_.exchanges_) exchange->idle();
        told_idle_ = true;
        if (!partitions_.empty() || !exhausted_) return;
    }
    const EventTime merged = partitions_.empty() ? end_of_time : time_->merged();
    if (merged > watermark_ || told_idle_) {
        told_idle_ = false;
        advance(std::max(merged, watermark_));
    }
}

}  // namespace medic::engine::flow
