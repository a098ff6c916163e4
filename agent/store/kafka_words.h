// Words in which the Kafka collector tells that there is nothing: an absent text would mean that nobody knows. Told by
// agent/collectors/kafka; read by guards and remedies.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace medic {

// The fact {broker/ID, "kafka_broker_needed_by"}: what would be lost if that broker stopped now, as a person reads it.
inline constexpr std::string_view needed_by_nothing = "nothing";
// The fact {broker/ID, "leadership"}: it leads no partition, and is nobody's preferred leader.
inline constexpr std::string_view leads_nothing = "none";
// The fact {partition/TOPIC-N, "replicas"}: "2,1,3", the preferred leader first.
inline constexpr std::string_view replicas_in_order = "replicas";
// The facts {partition/TOPIC-N, "in_sync"} and {…, "serving"} of one without a leader: who was in sync last, and whose
// replicas serve; "1,3" in the replicas' order. It is nobody.
inline constexpr std::string_view no_replica = "nobody";
// The topic whose partitions' leaders coordinate groups.
inline constexpr std::string_view coordinators_topic = "__consumer_offsets";
// The fact {topic/NAME, "settings_change"}: its settings are those under which it was last written to for long.
inline constexpr std::string_view settings_unchanged = "none";
// The attribute {topic/NAME, "written_until"}, where its settings were changed since: milliseconds since the epoch,
// when that was seen, and it was written to until then. An agent that is started after the change knows by it alone.
inline constexpr std::string_view written_until = "written_until";
// The fact {topic/NAME, "unread_ratio_max"}: what share of its log (0 to 1) a group has still to read in the partition
// where that is largest. By partition: a sum would dilute one that nobody has read in nine that all have read. Known
// only while the look at Kafka is whole and no reader of the topic is missing from it.
inline constexpr std::string_view unread_ratio_max = "unread_ratio_max";
// In the attribute {cluster/NAME, "kafka_not_visible"}: where some groups read on is not told us.
inline constexpr std::string_view offsets_of_groups = "offsets of groups";
// The attribute {topic/NAME, "overridden"}: the settings that are the topic's own, "retention.ms,segment.bytes"; others
// it has taken over from its brokers.
inline constexpr std::string_view own_settings = "overridden";
inline constexpr std::string_view no_own_settings = "none";
// Whether a list of Kafka's, "compact,delete", holds `one`.
[[nodiscard]] constexpr bool lists(std::string_view list, std::string_view one) {
    for (std::size_t from = 0; from <= list.size();) {
        const auto end = std::min(list.find(',', from), list.size());
        if (list.substr(from, end - from) == one) return true;
        from = end + 1;
    }
    return false;
}
// A replication throttle's setting, of a topic or a broker: none is set.
inline constexpr std::string_view no_throttle = "none";

}  // namespace medic
