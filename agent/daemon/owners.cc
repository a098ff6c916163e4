#include "agent/daemon/owners.h"

#include <algorithm>
#include <array>
#include <set>

#include "agent/collectors/logs/record.h"
#include "remediations/guards/policy.h"

namespace medic {
namespace {

// Roles that mean "whoever owns this thing", as opposed to a platform's team.
constexpr std::array<std::string_view, 4> own_people = {"job team", "connector team", "client team", "topic owner"};

bool means_own_people(std::string_view role) { return std::ranges::find(own_people, role) != own_people.end(); }

using Named = std::map<std::string, std::string>;

void add_things(std::vector<std::string>& things, const Subject& subject, const Named& facts) {
    const auto& [cluster, kind, name] = subject;
    if (!kind.empty()) things.push_back(kind + ":" + name);
    if (kind == "connector-task") things.push_back("connector:" + name.substr(0, name.rfind('/')));
    for (const char* thing : {"job", "connector", "topic", "group"})
        if (const auto found = facts.find(thing); found != facts.end())
            things.push_back(std::string(thing) + ":" + found->second);
}

// The longest pattern that fits one of them; "" when none does.
std::string team_for(const ClusterConfig& cluster, const std::vector<std::string>& things) {
    const std::pair<const std::string, std::string>* best = nullptr;
    for (const std::string& thing : things)
        for (const auto& item : cluster.owners)
            if (glob_matches(item.first, thing) && (best == nullptr || item.first.size() > best->first.size()))
                best = &item;
    return best == nullptr ? "" : best->second;
}

// "WorkerSinkTask{id=orders-0}", as Connect names its tasks where no context stands before the line.
std::string connector_in(const std::string& text) {
    for (const std::string_view name : {"WorkerSinkTask{id=", "WorkerSourceTask{id="}) {
        const auto at = text.find(name);
        if (at == std::string::npos) continue;
        const std::string id = text.substr(at + name.size(), text.find('}', at) - at - name.size());
        if (const auto dash = id.rfind('-'); dash != std::string::npos) return id.substr(0, dash);
    }
    return "";
}

// "Job fraud-eu (32 digits) switched from state …", as Flink writes it.
std::string job_in(const std::string& text, const std::string& id) {
    constexpr std::string_view word = "Job ";
    const auto end = text.find(" (" + id + ")");
    const auto begin = end == std::string::npos ? end : text.rfind(word, end);
    if (begin == std::string::npos || text.find('\n', begin) < end) return "";
    return text.substr(begin + word.size(), end - begin - word.size());
}

}  // namespace

void name_owners(const Config& config, std::vector<Diagnosis>& diagnoses) {
    for (Diagnosis& diagnosis : diagnoses) {
        const ClusterConfig* cluster = config.cluster(diagnosis.subject.cluster);
        if (cluster == nullptr || diagnosis.owner.empty()) continue;
        std::vector<std::string> things = {"owner:" + diagnosis.owner};
        if (means_own_people(diagnosis.owner)) add_things(things, diagnosis.subject, diagnosis.facts);
        if (std::string team = team_for(*cluster, things); !team.empty()) diagnosis.owner = std::move(team);
    }
}

std::string people_of(const Config& config, const Diagnosis& diagnosis) {
    const ClusterConfig* cluster = config.cluster(diagnosis.subject.cluster);
    std::vector<std::string> things;
    add_things(things, diagnosis.subject, diagnosis.facts);
    return cluster == nullptr ? "" : team_for(*cluster, things);
}

std::map<std::string, std::string> spoken_of(const std::string& text) {
    Named facts;
    RecordJoiner joiner;
    const auto take = [&](const std::optional<LogRecord>& record) {
        if (!record) return;
        facts.insert(record->fields.begin(), record->fields.end());  // The first one counts.
        if (const std::string connector = connector_in(record->text); !connector.empty())
            facts.emplace("connector", connector);
        if (const auto id = record->fields.find("job_id"); id != record->fields.end())
            if (const std::string job = job_in(record->text, id->second); !job.empty()) facts.emplace("job", job);
    };
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        if (const auto line = clean_line(std::string_view(text).substr(from, end - from)))
            take(joiner.add(*line, WallTime{}));
        from = end + 1;
    }
    take(joiner.end());
    return facts;
}

std::string owner_of_text(const Config& config, const std::string& role, const std::string& text) {
    const Named facts = spoken_of(text);
    std::set<std::string> teams;
    for (const ClusterConfig& cluster : config.clusters) {
        std::vector<std::string> things = {"owner:" + role};
        if (means_own_people(role)) add_things(things, {}, facts);
        if (std::string team = team_for(cluster, things); !team.empty()) teams.insert(std::move(team));
    }
    return teams.size() == 1 ? *teams.begin() : role;
}

}  // namespace medic
