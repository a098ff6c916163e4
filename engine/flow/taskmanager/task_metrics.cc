#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "engine/flow/taskmanager/task_metrics_internal.h"

namespace medic::engine::flow {
namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }
double ms(std::int64_t ns) { return static_cast<double>(ns) / 1e6; }

void add_rates(MetricValues& values, const MetricValues& totals, const MetricValues& before, double seconds) {
    for (const auto& [name, total] : totals) {
        values[name] = total;
        if (const auto found = before.find(name); found != before.end() && seconds > 0)
            values[name + "PerSecond"] = (total - found->second) / seconds;
    }
}

OperatorValues::Partition partition_values(const PartitionMetrics& partition) {
    OperatorValues::Partition out{partition.topic, partition.partition, {}};
    if (const std::int64_t offset = partition.current_offset; offset >= 0)
        out.values["currentOffset"] = static_cast<double>(offset);
    if (const std::int64_t offset = partition.committed_offset; offset >= 0)
        out.values["committedOffset"] = static_cast<double>(offset);
    return out;
}

void add_source(OperatorValues& out, const SourceMetrics& source, bool is_kafka) {
    if (source.last_record_ns != 0)
        out.values["sourceIdleTime"] = std::max(0.0, ms(steady_ns() - source.last_record_ns));
    if (source.emit_event_time_lag_ms != no_time)
        out.values["currentEmitEventTimeLag"] = static_cast<double>(source.emit_event_time_lag_ms);
    if (!is_kafka) return;
    out.values["KafkaSourceReader.commitsSucceeded"] = number(source.commits_succeeded.get());
    out.values["KafkaSourceReader.commitsFailed"] = number(source.commits_failed.get());
    double pending = 0;
    bool known = true;
    for (const auto& partition : source.partitions) {
        out.partitions.push_back(partition_values(*partition));
        const std::int64_t end = partition->end_offset, current = partition->current_offset;
        if (end < 0 || current < 0) known = known && end >= 0;
        if (end >= 0) pending += static_cast<double>(std::max<std::int64_t>(0, end - current - 1));
    }
    if (known) out.values["pendingRecords"] = pending;
}

MetricValues totals_of(const TaskMetrics& metrics) {
    return {{"numRecordsIn", number(metrics.records_in.get())},
            {"numRecordsOut", number(metrics.records_out.get())},
            {"numBytesIn", number(metrics.bytes_in.get())},
            {"numBytesOut", number(metrics.bytes_out.get())},
            {"numBuffersOut", number(metrics.buffers_out.get())}};
}

// Time since the task runs, split three ways. Names as Flink's, values in ms.
void add_times(MetricValues& values, const TaskMetrics& metrics, const MetricValues& before, double seconds,
               MetricValues& totals) {
    const double idle = ms(metrics.idle.total_ns()), backpressured = ms(metrics.backpressured.total_ns());
    const double busy = std::max(0.0, ms(steady_ns() - metrics.running_since_ns) - idle - backpressured);
    totals["accumulateIdleTimeMs"] = idle;
    totals["accumulateBackPressuredTimeMs"] = backpressured;
    totals["accumulateBusyTimeMs"] = busy;
    for (const auto& [total, rate] : {std::pair{"accumulateIdleTimeMs", "idleTimeMsPerSecond"},
                                      std::pair{"accumulateBackPressuredTimeMs", "backPressuredTimeMsPerSecond"},
                                      std::pair{"accumulateBusyTimeMs", "busyTimeMsPerSecond"}}) {
        values[total] = totals[total];
        const auto found = before.find(total);
        if (found != before.end() && seconds > 0)
            values[rate] = std::clamp((totals[total] - found->second) / seconds, 0.0, 1000.0);
    }
    if (values.contains("backPressuredTimeMsPerSecond"))
        values["isBackPressured"] = values["backPressuredTimeMsPerSecond"] > 500 ? 1 : 0;
}

}  // namespace

std::vector<TaskValues> TaskSampler::sample(const std::vector<std::shared_ptr<Execution>>& executions) {
    std::vector<TaskValues> all;
    std::map<std::string, Last> now;
    for (const auto& execution : executions) {
        for (const auto& task : execution->tasks()) {
            if (task->state() != TaskState::running) continue;
            const TaskMetrics& metrics = task->metrics();
            TaskValues out{execution->job_id(),
                           execution->job_name(),
                           task->vertex().id,
                           task->vertex().name,
                           execution->generation(),
                           task->plan().vertex,
                           task->plan().subtask,
                           task->plan().attempt,
                           {},
                           {}};
            const std::string key = fmt::format("{}/{}/{}/{}", out.job_id, out.generation, out.vertex, out.subtask);
            const Last& before = last_[key];
            Last& last = now[key];
            last.at_ns = steady_ns();
            const double seconds = before.at_ns == 0 ? 0 : static_cast<double>(last.at_ns - before.at_ns) / 1e9;
            last.totals = totals_of(metrics);
            add_rates(out.values, last.totals, before.totals, seconds);
            add_times(out.values, metrics, before.totals, seconds, last.totals);
            const bool is_source = task->vertex().in_edge < 0;
            if (!is_source) {
                out.values["currentInputWatermark"] = static_cast<double>(metrics.input_watermark.load());
                out.values["checkpointAlignmentTime"] = static_cast<double>(metrics.alignment_ns);
                const double room = task->plan().gate->channels() * task->plan().gate->frames_per_channel();
                out.values["buffers.inPoolUsage"] = task->plan().gate->queued_frames() / room;
                out.values["buffers.inputQueueLength"] = task->plan().gate->queued_frames();
            }
            out.values["checkpointStartDelayNanos"] = static_cast<double>(metrics.start_delay_ns);
            out.values["initializationTime"] = static_cast<double>(metrics.initialization_ms);
            if (!task->vertex().out_edges.empty()) out.values["buffers.outPoolUsage"] = task->output_usage();
            for (const auto& op : metrics.operators) {
                OperatorValues values{op->name, op->id, {}, {}};
                MetricValues& totals = last.operators[op->name];
                totals = {{"numRecordsIn", number(op->records_in.get())},
                          {"numRecordsOut", number(op->records_out.get())}};
                const auto found = before.operators.find(op->name);
                add_rates(values.values, totals, found == before.operators.end() ? MetricValues{} : found->second,
                          seconds);
                values.values["numLateRecordsDropped"] = number(op->late_records_dropped.get());
                values.values["currentOutputWatermark"] = static_cast<double>(metrics.output_watermark.load());
                if (!is_source || op != metrics.operators.front())
                    values.values["currentInputWatermark"] = static_cast<double>(metrics.input_watermark.load());
                if (is_source && op == metrics.operators.front()) {
                    const int node = task->vertex().operators.front().node;
                    add_source(
                        values, metrics.source,
                        task->plan().library->environment().nodes()[static_cast<std::size_t>(node)].kafka.has_value());
                }
                out.operators.push_back(std::move(values));
            }
            all.push_back(std::move(out));
        }
    }
    last_ = std::move(now);
    return all;
}

std::string sanitize_label(std::string_view value) {
    std::string out(value);
    for (char& c : out) {
        const bool kept =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ':' || c == '_';
        if (!kept) c = '_';
    }
    return out;
}

void add_task(MetricsPage& page, const TaskValues& task, const std::string& resource_id) {
    const std::string job_name = sanitize_label(task.job_name), task_name = sanitize_label(task.task_name),
                      tm_id = sanitize_label(resource_id);
    const std::string subtask = std::to_string(task.subtask), attempt = std::to_string(task.attempt);
    const std::string attempt_id =
        fmt::format("{}_{}_{}_{}", sanitize_label(task.job_id), task.task_id, subtask, attempt);
    const MetricsPage::LabelList labels{
        {"job_id", task.job_id}, {"task_id", task.task_id}, {"task_attempt_id", attempt_id},
        {"host", "127_0_0_1"},   {"task_name", task_name},  {"task_attempt_num", attempt},
        {"job_name", job_name},  {"tm_id", tm_id},          {"subtask_index", subtask}};
    for (const auto& [name, value] : task.values)
        page.add("flink_taskmanager_job_task_" + sanitize_label(name), labels, value, MetricsPage::Type::gauge);
    for (const OperatorValues& op : task.operators) {
        const std::string operator_name = sanitize_label(op.name);
        auto with_operator = labels;
        with_operator.emplace_back("operator_id", op.id);
        with_operator.emplace_back("operator_name", operator_name);
        for (const auto& [name, value] : op.values)
            page.add("flink_taskmanager_job_task_operator_" + sanitize_label(name), with_operator, value,
                     MetricsPage::Type::gauge);
        for (const auto& partition : op.partitions) {
            auto with_partition = with_operator;
            const std::string number = std::to_string(partition.partition), topic = sanitize_label(partition.topic);
            with_partition.emplace_back("topic", topic);
            with_partition.emplace_back("partition", number);
            for (const auto& [name, value] : partition.values)
                page.add("flink_taskmanager_job_task_operator_KafkaSourceReader_topic_partition_" + name,
                         with_partition, value, MetricsPage::Type::gauge);
        }
    }
}

MetricValues ProcessSampler::sample() {
    MetricValues values;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto ns = [](const timeval& time) {
        return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_usec * 1'000;
    };
    const std::int64_t cpu = ns(usage.ru_utime) + ns(usage.ru_stime), now = steady_ns();
    values["Status.JVM.CPU.Time"] = static_cast<double>(cpu);
    if (last_ns_ != 0)
        values["Status.JVM.CPU.Load"] = static_cast<double>(cpu - last_cpu_ns_) / static_cast<double>(now - last_ns_) /
                                        std::max(1U, std::thread::hardware_concurrency());
    last_ns_ = now;
    last_cpu_ns_ = cpu;
    const struct mallinfo2 heap = mallinfo2();
    values["Status.JVM.Memory.Heap.Used"] = static_cast<double>(heap.uordblks + heap.hblkhd);
    values["Status.JVM.Memory.Heap.Committed"] = static_cast<double>(heap.arena + heap.hblkhd);
    std::error_code ignored;
    const auto threads = std::filesystem::directory_iterator("/proc/self/task", ignored);
    values["Status.JVM.Threads.Count"] = static_cast<double>(std::distance(begin(threads), end(threads)));
    return values;
}

}  // namespace medic::engine::flow
