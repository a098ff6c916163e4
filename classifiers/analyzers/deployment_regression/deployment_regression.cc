// deployment-regression: a job's own code began to fail after a new version was started, and did not fail like that
// before. A failure outside user code, one that was there before, or no earlier version known gives nothing.
#include <algorithm>

#include "classifiers/analyzers/analyzer.h"
#include "classifiers/analyzers/episode.h"

namespace medic::analyzers::deployment_regression {
namespace {

constexpr Duration look_back{2 * 3'600'000};
// "Deploy, config or rescale less than 15 min before the first fault" makes the change the first suspect.
constexpr Duration suspect_for{15 * 60'000};

struct Change {
    const Event* after = nullptr;
    std::string version, version_before, job_id_before;
};

std::string field(const Event& event, const std::string& name) {
    const auto found = event.fields.find(name);
    return found == event.fields.end() ? "" : found->second;
}

// The newest deployment that replaced another one.
std::optional<Change> last_change(const View& view, const Subject& job, WallTime from) {
    const auto known = deployments(view, job, from);
    if (known.empty()) return std::nullopt;
    Change change{.after = known.back(),
                  .version = field(*known.back(), "version"),
                  .version_before = field(*known.back(), "version_before"),
                  .job_id_before = field(*known.back(), "before")};
    if (change.version.empty()) change.version = view.topology.attribute(job, "version").value_or("");
    // Several events may tell of one deployment (the engine's, the pipeline's): look back to one of another version.
    for (auto earlier = known.rbegin() + 1; earlier != known.rend(); ++earlier) {
        const auto version = field(**earlier, "version");
        if (change.version_before.empty() && !version.empty() && version != change.version)
            change.version_before = version;
        const auto id = field(**earlier, "job_id");
        if (change.job_id_before.empty() && !id.empty() && id != field(*known.back(), "job_id"))
            change.job_id_before = id;
    }
    if (change.version_before.empty() && change.job_id_before.empty()) return std::nullopt;
    // The same version started again (other settings, another savepoint) brings no new code.
    if (!change.version.empty() && change.version == change.version_before) return std::nullopt;
    return change;
}

bool failed_so_before(const Lookup& lookup, const Subject& job, const ExceptionEvent& like, WallTime before) {
    for (const auto* event : lookup.view().timeline.about(job, lookup.now().wall - look_back)) {
        if (event->kind != "exception" || event->at >= before) continue;
        const auto read = read_exception(*event);
        if (read.type == like.type && read.frame == like.frame) return true;
    }
    return false;
}

std::vector<Finding> run(const View& view, const Now& now) {
    const Lookup lookup{view, now};
    std::vector<Finding> found;
    for (const auto& episode : episodes(lookup, look_back)) {
        if (episode.subject.kind != "job" || !episode.deployed) continue;
        const auto& first = episode.exceptions[episode.first];
        if (first.owner != FrameOwner::user) continue;
        if (first.event->at - *episode.deployed > suspect_for) continue;
        const auto change = last_change(view, episode.subject, now.wall - look_back);
        if (!change || failed_so_before(lookup, episode.subject, first, *episode.deployed)) continue;
        const auto same = std::ranges::count_if(episode.exceptions, [&](const ExceptionEvent& other) {
            return other.type == first.type && other.frame == first.frame;
        });
        Finding finding{.id = "deployment-regression",
                        .subject = episode.subject,
                        .since = first.event->at,
                        .weight = same >= 2 ? 1.0 : 0.7,
                        .summary = "",
                        .fields = {},
                        .evidence = {}};
        finding.fields = {{"version", change->version},
                          {"last_good_version", change->version_before},
                          {"job_id", field(*change->after, "job_id")},
                          {"job_id_before", change->job_id_before},
                          {"frame", first.frame},
                          {"exception", first.type}};
        std::erase_if(finding.fields, [](const auto& entry) { return entry.second.empty(); });
        finding.summary =
            "fails in " + first.frame + " since " +
            (change->version.empty() ? std::string{"the last deployment"} : "version " + change->version) +
            ", never before";
        finding.evidence.push_back(
            {"event", change->after->id,
             "deployed " + spoken(first.event->at - *episode.deployed) + " before the first failure", 0,
             *episode.deployed});
        found.push_back(std::move(finding));
    }
    return found;
}

}  // namespace

Analyzer descriptor() {
    return {"deployment_regression",
            "User code that fails since a new version.",
            {"deployment-regression"},
            run,
            "flink_job_state"};
}

}  // namespace medic::analyzers::deployment_regression
