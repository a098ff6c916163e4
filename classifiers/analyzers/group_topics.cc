#include "classifiers/analyzers/group_topics.h"

namespace medic::analyzers {

bool GroupTopics::left(const std::string& cluster, const std::string& group, const std::string& topic) {
    const auto [found, is_new] = moving_.try_emplace({cluster, group});
    auto& moving = found->second;
    if (is_new)
        for (const auto committed :
             lookup_.select("kafka_group_committed_offset", {{"cluster", cluster}, {"group", group}}))
            if (const auto offset = lookup_.value(committed); offset && !lookup_.is_only(committed, *offset, window_))
                moving.insert(lookup_.label(committed, "topic"));
    return !moving.empty() && !moving.contains(topic);
}

bool GroupTopics::left(SeriesId committed) {
    return left(lookup_.label(committed, "cluster"), lookup_.label(committed, "group"),
                lookup_.label(committed, "topic"));
}

}  // namespace medic::analyzers
