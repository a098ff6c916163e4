// How much room a broker's log dir had before it was lost: what ran full holds its data still. For analyzers only.
#pragma once

#include <optional>
#include <string>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

struct LogDir {
    std::string cluster, broker, path;
};

struct Room {
    double total_bytes = 0, usable_bytes = 0;
    // Less than this is left: as the symptom KafkaLogDirFull, with room for what came between the last measure and the
    // end.
    [[nodiscard]] bool full() const { return usable_bytes < 0.05 * total_bytes; }
};

// As it was last measured before `until`, within an hour before now; nullopt: it was not, or not within a minute
// before.
[[nodiscard]] std::optional<Room> room_before(const Lookup& lookup, const LogDir& dir, WallTime until);

// Any log dir of the broker was full when it was last measured within the window.
[[nodiscard]] bool ran_full_lately(const Lookup& lookup, const std::string& cluster, const std::string& broker,
                                   Duration window);

}  // namespace medic::analyzers
