// Which records of a log become events: errors, stack traces and what is said of a stop in good order, once a minute
// for the same text, so many a minute at most, without secrets. What is not kept is counted. One sieve for one source;
// it knows neither files nor sockets.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/collectors/logs/record.h"
#include "agent/store/event.h"

namespace medic {

struct SieveOptions {
    std::size_t events_per_minute_max = 60;
    Duration same_within{60'000};  // The same text again is counted, not kept.
};

class RecordSieve {
public:
    explicit RecordSieve(SieveOptions options)
        : options_(options), tokens_(static_cast<double>(options.events_per_minute_max)) {}

    // `event` says whose line it is (subject, fields); kind, time, text, level and id are filled in. `id` begins its
    // id.
    [[nodiscard]] std::optional<Event> take(const LogRecord& record, WallTime at, Event event, const std::string& id);

    void drop(const std::string& reason, double count) { dropped_[reason] += count; }
    [[nodiscard]] const std::map<std::string, double>& records() const { return records_; }  // By level, ever.
    [[nodiscard]] const std::map<std::string, double>& dropped() const { return dropped_; }  // By reason, ever.

private:
    [[nodiscard]] bool within_limits(std::uint64_t print, bool clean_stop, WallTime at);

    SieveOptions options_;
    double tokens_ = 0;  // Of the rate limit.
    WallTime tokens_at_;
    std::map<std::uint64_t, WallTime> seen_;  // Bounded.
    std::map<std::string, double> records_, dropped_;
};

}  // namespace medic
