#include "agent/daemon/owners.h"

#include <algorithm>
#include <array>

#include "remediations/guards/policy.h"

namespace medic {
namespace {

// Roles that mean "whoever owns this thing", as opposed to a platform's team.
constexpr std::array<std::string_view, 4> own_people = {"job team", "connector team", "client team", "topic owner"};

std::vector<std::string> things_of(const Diagnosis& diagnosis) {
    std::vector<std::string> things = {"owner:" + diagnosis.owner};
    if (std::ranges::find(own_people, diagnosis.owner) == own_people.end()) return things;
    const auto& [cluster, kind, name] = diagnosis.subject;
    things.push_back(kind + ":" + name);
    if (kind == "connector-task") things.push_back("connector:" + name.substr(0, name.rfind('/')));
    for (const char* thing : {"job", "connector", "topic", "group"})
        if (const auto found = diagnosis.facts.find(thing); found != diagnosis.facts.end())
            things.push_back(std::string(thing) + ":" + found->second);
    return things;
}

}  // namespace

void name_owners(const Config& config, std::vector<Diagnosis>& diagnoses) {
    for (Diagnosis& diagnosis : diagnoses) {
        const ClusterConfig* cluster = config.cluster(diagnosis.subject.cluster);
        if (cluster == nullptr || cluster->owners.empty() || diagnosis.owner.empty()) continue;
        const std::pair<const std::string, std::string>* best = nullptr;
        for (const std::string& thing : things_of(diagnosis))
            for (const auto& item : cluster->owners)
                if (glob_matches(item.first, thing) && (best == nullptr || item.first.size() > best->first.size()))
                    best = &item;
        if (best != nullptr) diagnosis.owner = best->second;
    }
}

}  // namespace medic
