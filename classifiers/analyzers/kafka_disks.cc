#include "classifiers/analyzers/kafka_disks.h"

#include <algorithm>

namespace medic::analyzers {
namespace {

constexpr Duration look_back{60 * 60'000};
// Bounds a gap that the collector's own interval explains; an older measure says nothing of what came after.
constexpr Duration measured_before_max{60'000};

std::optional<Sample> last(const Lookup& lookup, std::string_view name, const LogDir& dir, WallTime until,
                           Duration window) {
    std::optional<Sample> found;
    for (const SeriesId series :
         lookup.select(name, {{"cluster", dir.cluster}, {"broker", dir.broker}, {"log_dir", dir.path}}))
        for (const Sample& one : lookup.history(series, window))
            if (one.at_ms <= until.unix_ms && (!found || one.at_ms > found->at_ms)) found = one;
    return found;
}

}  // namespace

std::optional<Room> room_before(const Lookup& lookup, const LogDir& dir, WallTime until) {
    const auto total = last(lookup, "kafka_log_dir_total_bytes", dir, until, look_back),
               usable = last(lookup, "kafka_log_dir_usable_bytes", dir, until, look_back);
    if (!total || !usable || total->value <= 0 || until.unix_ms - usable->at_ms > measured_before_max.count())
        return std::nullopt;
    return Room{.total_bytes = total->value, .usable_bytes = usable->value};
}

bool ran_full_lately(const Lookup& lookup, const std::string& cluster, const std::string& broker, Duration window) {
    for (const SeriesId series :
         lookup.select("kafka_log_dir_total_bytes", {{"cluster", cluster}, {"broker", broker}})) {
        const LogDir dir{cluster, broker, lookup.label(series, "log_dir")};
        const WallTime now = lookup.now().wall;
        const auto total = last(lookup, "kafka_log_dir_total_bytes", dir, now, window),
                   usable = last(lookup, "kafka_log_dir_usable_bytes", dir, now, window);
        if (total && usable && Room{.total_bytes = total->value, .usable_bytes = usable->value}.full()) return true;
    }
    return false;
}

}  // namespace medic::analyzers
