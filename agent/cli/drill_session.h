// `medic drill --config`: the cluster, its agent's word and how lines are printed, for the files that run a drill.
// Only for .cc files of agent/cli.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/abort_key.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/config/config.h"
#include "agent/practice/choice.h"
#include "agent/practice/drill_files.h"
#include "agent/practice/hands.h"
#include "agent/practice/incident_sight.h"
#include "agent/practice/standing.h"

namespace medic::cli {

struct DrillOptions {
    std::string config, fault, cluster, node, output = "text";
    Duration patience{300'000};
    bool list = false, undo = false, yes = false, dry_run = false, highly_available = false;
};

class DrillSession {
public:
    // Errors: invalid (the file, or which cluster is meant).
    [[nodiscard]] static Result<DrillSession> open(const DrillOptions& options, const std::string& cluster);

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] const ClusterConfig& cluster() const { return *config_.cluster(cluster_); }
    // "": its file allows drills. Else the refusal.
    [[nodiscard]] std::string not_allowed() const;
    // Errors: unavailable (no agent answers), not_ready, invalid.
    [[nodiscard]] Result<practice::Standing> standing() const;
    // Those of the cluster after `newest`; nullopt: no answer.
    [[nodiscard]] std::optional<std::vector<practice::IncidentSight>> incidents_since(int newest) const;
    // The number of the newest incident of any cluster. Errors: as standing().
    [[nodiscard]] Result<int> newest_incident() const;
    [[nodiscard]] practice::HandsParts hands(const std::string& id) const;
    // Progress, for a person: beside a JSON document, on standard error.
    void say(const std::string& line) const;

private:
    [[nodiscard]] Result<std::string> get(const std::string& path) const;
    AgentAddress agent_;
    Config config_;
    std::string cluster_;
    bool json_ = false;
};

struct Undone {
    bool done = false;
    std::string how;
};
// Until it is undone, or three minutes have passed. Keeps no file.
[[nodiscard]] Undone undo_fault(const DrillSession& session, practice::Hands& hands, const practice::UndoRecord& record,
                                AbortKey& key);

// The subcommand. Without --config medic-engine takes over, with the arguments as they were given.
void add_drill(CLI::App& app, Context& context);
[[nodiscard]] int practise_fault(const DrillOptions& options);
[[nodiscard]] int undo_drill(const DrillOptions& options);
[[nodiscard]] int list_faults(const DrillOptions& options);

}  // namespace medic::cli
