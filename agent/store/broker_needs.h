// The fact {broker/ID, "kafka_broker_needed_by"}: what would be lost if that broker stopped now, as a person reads it,
// or the word for nothing. Told by agent/collectors/kafka; read by the guard partitions-available.
#pragma once

#include <string_view>

namespace medic {

inline constexpr std::string_view needed_by_nothing = "nothing";

}  // namespace medic
