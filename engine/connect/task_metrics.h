// What a task measures about itself, under the names that the JMX exporter gives for Kafka Connect. The working thread
// counts, the control thread reads: every method may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "engine/connect/model.h"

namespace medic::engine::connect {

class TaskMetrics {
public:
    explicit TaskMetrics(ConnectorType type);

    void polled(std::size_t records, std::chrono::nanoseconds took);  // A source's poll().
    void written(std::size_t records);                                // Acknowledged by Kafka.
    void read(std::size_t records);                                   // By a sink's consumer.
    void put(std::size_t records, std::chrono::nanoseconds took);     // A sink's put().
    void committed(bool success, std::chrono::nanoseconds took);      // Offsets.
    void record_error();                                              // A record that could not be converted.
    void record_skipped();
    void record_failed();
    void retried();
    void partitions(std::size_t count);
    void state(State now);

    // Name on the page → value, as of now.
    [[nodiscard]] std::map<std::string, double> values();

private:
    struct Spread {  // Count, sum and maximum of a measured quantity.
        double count = 0, sum = 0, max = 0;
        void add(double value);
    };
    struct RatePoint {
        std::chrono::steady_clock::time_point at;
        double in = 0, out = 0;
    };

    void add_source(std::map<std::string, double>& out) const;
    void add_sink(std::map<std::string, double>& out) const;
    void add_rates(std::map<std::string, double>& out);

    std::mutex mutex_;
    const ConnectorType type_;
    double in_ = 0, out_ = 0;  // Polled and written, or read and sent.
    double commits_ = 0, commit_failures_ = 0;
    double errors_ = 0, skipped_ = 0, failures_ = 0, retries_ = 0, last_error_unix_ms_ = 0;
    double partitions_ = 0, active_max_ = 0;
    Spread batch_, work_time_ms_, commit_time_ms_;
    State state_ = State::unassigned;
    std::chrono::steady_clock::time_point started_, state_since_;
    std::chrono::nanoseconds running_{0}, paused_{0};
    std::deque<RatePoint> rate_points_;  // At most 30, one a second: Kafka's window of metrics.sample.window.ms = 30 s.
};

}  // namespace medic::engine::connect
