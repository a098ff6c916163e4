// What would be lost if one broker stopped now: partitions without a leader, partitions below min.insync.replicas, the
// controllers' majority. Told as an attribute of each broker, so that nothing that ends a broker has to guess.
#include <algorithm>
#include <charconv>

#include "agent/collectors/kafka/look_internal.h"
#include "agent/store/kafka_words.h"

namespace medic {

using wire::KafkaError;

namespace {

constexpr std::size_t named_max = 4;  // Partitions by name, of each kind of loss; the rest are counted.

struct Named {
    std::string names{};
    std::size_t count = 0;
    void add(const std::string& topic, std::int32_t partition) {
        if (++count <= named_max) names += (count == 1 ? "" : ", ") + topic + "-" + std::to_string(partition);
    }
    void tell(std::string& text, std::string_view what) const {
        if (count == 0) return;
        if (!text.empty()) text += "; ";
        (text += what) += ": " + names;
        if (count > named_max) text += " and " + std::to_string(count - named_max) + " more";
    }
};

// By what would be missing.
struct Losses {
    Named leaderless{}, short_of_copies{}, unknown{};
};

// As the topic has it; nullopt: not read (yet).
std::optional<std::size_t> least_in_sync(const std::map<std::string, std::string>* settings) {
    if (settings == nullptr) return std::nullopt;
    const auto found = settings->find("min.insync.replicas");
    if (found == settings->end()) return std::nullopt;
    std::size_t least = 0;
    const char* const last = found->second.data() + found->second.size();
    const auto [end, error] = std::from_chars(found->second.data(), last, least);
    if (error != std::errc{} || end != last) return std::nullopt;
    return least;
}

}  // namespace

// A partition that has no leader, or too few copies, already loses nothing more by it, but what it still has counts.
void KafkaCollector::needed(Look& look) const {
    std::map<std::int32_t, Losses> losses;
    for (const auto& topic : look.metadata.topics) {
        if (!topic.name || topic.error != KafkaError::none) continue;
        const auto settings = topic_settings_.find(*topic.name);
        const auto least = least_in_sync(settings == topic_settings_.end() ? nullptr : &settings->second);
        for (const auto& partition : topic.partitions) {
            if (partition.leader_id < 0) continue;
            std::vector<std::int32_t> in_sync;  // A broker that is no longer listed serves nobody.
            std::ranges::copy_if(partition.isr, std::back_inserter(in_sync), [&](std::int32_t id) {
                return std::ranges::find(look.metadata.brokers, id, &wire::MetadataResponse::Broker::node_id) !=
                       look.metadata.brokers.end();
            });
            for (const std::int32_t id : in_sync) {
                Losses& its = losses[id];
                if (in_sync.size() == 1)
                    its.leaderless.add(*topic.name, partition.partition);
                else if (!least)
                    its.unknown.add(*topic.name, partition.partition);
                else if (in_sync.size() - 1 < *least)
                    its.short_of_copies.add(*topic.name, partition.partition);
            }
        }
    }
    for (const std::int32_t id : brokers_seen_) {
        std::string text;
        const Losses& its = losses[id];
        its.leaderless.tell(text, "no other in-sync replica");
        its.short_of_copies.tell(text, "below min.insync.replicas without it");
        its.unknown.tell(text, "min.insync.replicas not known");
        if (const std::string quorum = look.quorum_without(id); !quorum.empty())
            text += (text.empty() ? "" : "; ") + quorum;
        look.observation.attributes[look.subject("broker", std::to_string(id))]["kafka_broker_needed_by"] =
            text.empty() ? std::string(needed_by_nothing) : text;
    }
}

// With it gone, a majority of all voters must still be there and keep up. One that does not keep up is no loss.
std::string KafkaCollector::Look::quorum_without(std::int32_t id) const {
    if (!quorum_problem.empty()) return "the controllers' quorum is not known: " + quorum_problem;
    const auto own = voters.find(id);
    if (own == voters.end() || !own->second) return "";
    const auto others = static_cast<std::size_t>(
        std::ranges::count_if(voters, [&](const auto& voter) { return voter.first != id && voter.second; }));
    const std::size_t majority = voters.size() / 2 + 1;
    if (others >= majority) return "";
    return "the controllers' quorum: " + std::to_string(others) + " of " + std::to_string(voters.size() - 1) +
           " others keep up, " + std::to_string(majority) + " must";
}

}  // namespace medic
