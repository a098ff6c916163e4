#include "engine/connect/task_metrics.h"

#include <algorithm>

namespace medic::engine::connect {
namespace {

using std::chrono::steady_clock;

double ms(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

double now_unix_ms() {
    using namespace std::chrono;
    return static_cast<double>(duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

}  // namespace

TaskMetrics::TaskMetrics(ConnectorType type) : type_(type), started_(steady_clock::now()), state_since_(started_) {}

void TaskMetrics::Spread::add(double value) {
    ++count;
    sum += value;
    max = std::max(max, value);
}

void TaskMetrics::polled(std::size_t records, std::chrono::nanoseconds took) {
    if (records == 0) return;
    const std::lock_guard lock(mutex_);
    in_ += static_cast<double>(records);
    batch_.add(static_cast<double>(records));
    work_time_ms_.add(ms(took));
    active_max_ = std::max(active_max_, in_ - out_);
}

void TaskMetrics::written(std::size_t records) {
    const std::lock_guard lock(mutex_);
    out_ += static_cast<double>(records);
}

void TaskMetrics::read(std::size_t records) {
    if (records == 0) return;
    const std::lock_guard lock(mutex_);
    in_ += static_cast<double>(records);
    batch_.add(static_cast<double>(records));
    active_max_ = std::max(active_max_, in_ - out_);
}

void TaskMetrics::put(std::size_t records, std::chrono::nanoseconds took) {
    const std::lock_guard lock(mutex_);
    out_ += static_cast<double>(records);
    work_time_ms_.add(ms(took));
}

void TaskMetrics::committed(bool success, std::chrono::nanoseconds took) {
    const std::lock_guard lock(mutex_);
    ++commits_;
    if (!success) ++commit_failures_;
    commit_time_ms_.add(ms(took));
}

void TaskMetrics::record_error() {
    const std::lock_guard lock(mutex_);
    ++errors_;
    last_error_unix_ms_ = now_unix_ms();
}

void TaskMetrics::record_skipped() {
    const std::lock_guard lock(mutex_);
    ++skipped_;
}

void TaskMetrics::record_failed() {
    const std::lock_guard lock(mutex_);
    ++failures_;
}

void TaskMetrics::retried() {
    const std::lock_guard lock(mutex_);
    ++retries_;
}

void TaskMetrics::partitions(std::size_t count) {
    const std::lock_guard lock(mutex_);
    partitions_ = static_cast<double>(count);
}

void TaskMetrics::state(State now) {
    const std::lock_guard lock(mutex_);
    const auto at = steady_clock::now();
    if (state_ == State::running) running_ += at - state_since_;
    if (state_ == State::paused) paused_ += at - state_since_;
    state_ = now;
    state_since_ = at;
}

std::map<std::string, double> TaskMetrics::values() {
    const std::lock_guard lock(mutex_);
    std::map<std::string, double> out;
    const auto at = steady_clock::now();
    const double alive = std::max(1e-9, ms(at - started_));
    const auto in_state = at - state_since_;
    const std::string task = "kafka_connect_connector_task_";
    out[task + "running_ratio"] = ms(running_ + (state_ == State::running ? in_state : in_state * 0)) / alive;
    out[task + "pause_ratio"] = ms(paused_ + (state_ == State::paused ? in_state : in_state * 0)) / alive;
    if (batch_.count > 0) {
        out[task + "batch_size_avg"] = batch_.sum / batch_.count;
        out[task + "batch_size_max"] = batch_.max;
    }
    if (commits_ > 0) {
        out[task + "offset_commit_avg_time_ms"] = commit_time_ms_.sum / commit_time_ms_.count;
        out[task + "offset_commit_max_time_ms"] = commit_time_ms_.max;
        out[task + "offset_commit_failure_percentage"] = commit_failures_ / commits_;
        out[task + "offset_commit_success_percentage"] = 1 - commit_failures_ / commits_;
    }
    const std::string error = "kafka_connect_task_error_";
    out[error + "last_error_timestamp"] = last_error_unix_ms_;
    out[error + "total_record_errors"] = errors_;
    out[error + "total_record_failures"] = failures_;
    out[error + "total_records_skipped"] = skipped_;
    out[error + "total_retries"] = retries_;
    if (type_ == ConnectorType::source)
        add_source(out);
    else
        add_sink(out);
    add_rates(out);
    return out;
}

void TaskMetrics::add_source(std::map<std::string, double>& out) const {
    const std::string source = "kafka_connect_source_task_";
    out[source + "source_record_poll"] = in_;
    out[source + "source_record_write"] = out_;
    out[source + "source_record_active_count"] = in_ - out_;
    out[source + "source_record_active_count_max"] = active_max_;
    if (work_time_ms_.count == 0) return;
    out[source + "poll_batch_avg_time_ms"] = work_time_ms_.sum / work_time_ms_.count;
    out[source + "poll_batch_max_time_ms"] = work_time_ms_.max;
}

void TaskMetrics::add_sink(std::map<std::string, double>& out) const {
    const std::string sink = "kafka_connect_sink_task_";
    out[sink + "sink_record_read"] = in_;
    out[sink + "sink_record_send"] = out_;
    out[sink + "sink_record_active_count"] = in_ - out_ - skipped_;
    out[sink + "sink_record_active_count_max"] = active_max_;
    out[sink + "partition_count"] = partitions_;
    out[sink + "offset_commit_completion"] = commits_ - commit_failures_;
    out[sink + "offset_commit_seq_no"] = commits_;
    if (work_time_ms_.count == 0) return;
    out[sink + "put_batch_avg_time_ms"] = work_time_ms_.sum / work_time_ms_.count;
    out[sink + "put_batch_max_time_ms"] = work_time_ms_.max;
}

void TaskMetrics::add_rates(std::map<std::string, double>& out) {
    const auto at = steady_clock::now();
    if (rate_points_.empty() || at - rate_points_.back().at >= std::chrono::seconds(1))
        rate_points_.push_back({at, in_, out_});
    while (rate_points_.size() > 30) rate_points_.pop_front();
    const double seconds = ms(at - rate_points_.front().at) / 1e3;
    if (seconds <= 0) return;
    const double in_rate = (in_ - rate_points_.front().in) / seconds,
                 out_rate = (out_ - rate_points_.front().out) / seconds;
    if (type_ == ConnectorType::source) {
        out["kafka_connect_source_task_source_record_poll_rate"] = in_rate;
        out["kafka_connect_source_task_source_record_write_rate"] = out_rate;
    } else {
        out["kafka_connect_sink_task_sink_record_read_rate"] = in_rate;
        out["kafka_connect_sink_task_sink_record_send_rate"] = out_rate;
    }
}

}  // namespace medic::engine::connect
