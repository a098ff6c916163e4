// What Kafka itself is doing while a client of it stands still: whether its brokers answered all the while, and whether
// the client's topics are still there. Who stands because of Kafka is not stuck. Everything answers "not known" rather
// than "well". For analyzers only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers {

// A stretch in which every broker of a cluster answered, as far as was looked.
struct AllAnswered {
    WallTime from, until;
};
// The stretch that reaches closest to now. A broker that was away counts as back only when its clients' requests of
// before have timed out; one that the cluster has given up no longer holds anybody up, after the same time. nullopt: a
// broker does not answer, or nobody asked lately.
[[nodiscard]] std::optional<AllAnswered> brokers_answered(const Lookup& lookup, std::string_view cluster,
                                                          Duration window);

// When Kafka last listed the topic, of which its newest answer says nothing while it lists others. nullopt: it is
// listed, was never seen within `window`, or Kafka's newest answer is not known.
[[nodiscard]] std::optional<WallTime> topic_gone_since(const Lookup& lookup, std::string_view cluster,
                                                       const std::string& topic, Duration window);

}  // namespace medic::analyzers
