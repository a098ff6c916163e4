// Who reads and writes which topic, where the products do not say so outright. Every answer carries how sure it is.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/discovery/picture.h"

namespace medic::discovery {
namespace {

constexpr std::size_t guess_length_min = 4;  // A topic named `in` is part of half of all operator names.

// Letters, digits, '.', '_' and '-' make up topic names; everything else ends a word of an operator's name.
std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> all;
    std::string word;
    for (const char c : text + " ") {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-') {
            word += c;
        } else if (!word.empty()) {
            all.push_back(word);
            word.clear();
        }
    }
    return all;
}

// Flink's reporters and people write one name with other signs between its parts.
std::string plain(std::string_view name) {
    std::string out;
    for (const char c : name)
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string bare(std::string name) {
    for (const std::string_view head : {"Source: ", "Sink: "})
        if (name.starts_with(head)) name.erase(0, head.size());
    for (const std::string_view tail : {": Writer", ": Committer"})
        if (name.ends_with(tail)) name.erase(name.size() - tail.size());
    return name;
}

bool contains_all(const std::vector<std::string>& whole, const std::vector<Link>& part) {
    return std::ranges::all_of(part,
                               [&](const Link& one) { return std::ranges::find(whole, one.name) != whole.end(); });
}

bool named(const std::string& text, const std::string& name) {
    return plain(text).find(plain(name)) != std::string::npos;
}

struct Match {
    Sure sure = Sure::guess;
    std::string why;
};

// Flink's Kafka source commits as a group without members; its group is told by no API of Flink.
std::optional<Match> belongs(const Group& group, const Job& job) {
    if (!group.protocol.empty() && group.protocol != "consumer") return std::nullopt;
    const bool reads =
        !job.reads.empty() && job.reads.front().sure == Sure::told && contains_all(group.topics, job.reads);
    if (plain(group.id) == plain(job.name))
        return Match{reads ? Sure::told : Sure::likely,
                     reads ? "named like the job, and reads its topics" : "named like the job"};
    const bool client =
        std::ranges::any_of(group.clients, [&](const std::string& one) { return named(one, job.name); });
    const bool name = plain(job.name).size() >= guess_length_min && named(group.id, job.name);
    if (reads && (client || name)) return Match{Sure::likely, "reads the job's topics and holds its name"};
    if (reads && group.members == 0 && group.topics.size() == job.reads.size())
        return Match{Sure::guess, "reads the very topics of the job, without members as Flink does"};
    if (client || name) return Match{Sure::guess, client ? "a client id holds the job's name" : "holds the job's name"};
    return std::nullopt;
}

void tie_connectors(Picture& picture) {
    for (Group& group : picture.groups) {
        constexpr std::string_view prefix = "connect-";  // Connect's own: connect-NAME for each sink.
        if (!group.id.starts_with(prefix)) continue;
        const std::string name = group.id.substr(prefix.size());
        const auto found = std::ranges::find(picture.connectors, name, &Connector::name);
        if (found == picture.connectors.end()) continue;
        group.belongs_to = "connector/" + name;
        for (const std::string& topic : group.topics)
            if (std::ranges::find(found->reads, topic, &Link::name) == found->reads.end())
                found->reads.push_back({topic, Sure::told, "its group has committed offsets of it"});
    }
}

}  // namespace

std::vector<std::string> topics_in_metric_names(const std::vector<std::string>& names,
                                                const std::vector<Topic>& known) {
    constexpr std::string_view head = "KafkaSourceReader.topic.", tail = ".partition.";
    std::set<std::string> topics;
    for (const std::string& name : names) {
        const auto from = name.find(head);
        const auto to = from == std::string::npos ? from : name.rfind(tail);
        if (to == std::string::npos || to < from + head.size()) continue;
        std::string topic = name.substr(from + head.size(), to - from - head.size());
        // Some metric names have their dots replaced: the topic that differs in nothing else is meant.
        const auto exact = std::ranges::find(known, topic, &Topic::name);
        const auto alike =
            std::ranges::find_if(known, [&](const Topic& one) { return plain(one.name) == plain(topic); });
        if (exact == known.end() && alike != known.end()) topic = alike->name;
        topics.insert(std::move(topic));
    }
    return {topics.begin(), topics.end()};
}

std::optional<Link> topic_by_name(const std::string& operator_name, const std::vector<Topic>& known) {
    const std::string name = bare(operator_name);
    for (const Topic& topic : known)
        if (!topic.internal && topic.name == name)
            return Link{topic.name, Sure::likely, "an operator is named after it"};
    std::vector<const Topic*> parts;
    for (const std::string& word : words(name)) {
        const std::string last = word.substr(word.rfind('.') == std::string::npos ? 0 : word.rfind('.') + 1);
        for (const Topic& topic : known) {
            if (topic.internal || topic.name.size() < guess_length_min) continue;
            if (plain(topic.name) != plain(word) && plain(topic.name) != plain(last)) continue;
            if (std::ranges::find(parts, &topic) == parts.end()) parts.push_back(&topic);
        }
    }
    if (parts.size() != 1) return std::nullopt;
    return Link{parts.front()->name, Sure::guess, "its name is part of operator " + operator_name.substr(0, 80)};
}

void tie_groups(Picture& picture) {
    tie_connectors(picture);
    for (Group& group : picture.groups) {
        if (!group.belongs_to.empty()) continue;
        std::vector<std::pair<Job*, Match>> fits;
        for (FlinkCluster& flink : picture.flinks)
            for (Job& job : flink.jobs)
                if (auto match = belongs(group, job)) fits.emplace_back(&job, *std::move(match));
        std::ranges::stable_sort(fits, {}, [](const auto& one) { return one.second.sure; });
        // Two jobs that fit equally well leave the question open.
        if (fits.empty() || (fits.size() > 1 && fits[0].second.sure == fits[1].second.sure)) continue;
        auto& [job, match] = fits.front();
        group.belongs_to = "job/" + job->name;
        job->groups.push_back({group.id, match.sure, match.why});
        if (!job->reads.empty() && job->reads.front().sure == Sure::told) continue;
        if (match.sure == Sure::guess) continue;
        for (const std::string& topic : group.topics) {
            const auto link = std::ranges::find(job->reads, topic, &Link::name);
            if (link == job->reads.end())
                job->reads.push_back({topic, Sure::likely, "group " + group.id + ", " + match.why});
            else
                link->sure = Sure::likely;
        }
    }
}

}  // namespace medic::discovery
