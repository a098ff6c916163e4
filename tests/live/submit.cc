// Jobs of the session cluster, submitted as a person does with Flink's REST API.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "agent/world/real/http_client.h"
#include "engine/common/rest_internal.h"
#include "engine/lab/state.h"
#include "tests/live/plan.h"
#include "tests/live/platform.h"

namespace medic::live {

namespace fs = std::filesystem;
namespace lab = engine::lab;
using engine::call_json;
using engine::member;
using lab::LabState;
using lab::ProcessPlan;
using nlohmann::json;

namespace {

// Uploads the jar and runs it; returns the job's id.
Result<std::string> upload_and_run(const std::string& data_dir, const std::string& version, const json& run) {
    MEDIC_TRY(const LabState state, lab::load_state(data_dir));
    const std::string jar = job_artifact(data_dir, version);
    const ProcessPlan* manager = state.plan.find("jobmanager");
    if (manager == nullptr || !fs::exists(jar))
        return fail(ErrorCode::invalid, "{}: not a folder of `make live-up`", data_dir);
    MEDIC_TRY(const json uploaded,
              call_json({.method = "POST",
                         .url = rest_url(*manager, "/jars/upload"),
                         .uploads = {{"jarfile", jar, fs::path(jar).filename(), "application/java-archive"}},
                         .timeout = Duration(60'000)}));
    const std::string file = fs::path(member(uploaded, "filename", std::string())).filename();
    HttpCall call = engine::json_call("POST", rest_url(*manager, "/jars/" + file + "/run"), run);
    call.timeout = Duration(60'000);
    MEDIC_TRY(const json started, call_json(call));
    return member(started, "jobid", std::string());
}

}  // namespace

Result<std::string> submit_job(const std::string& data_dir, const Submission& submission) {
    MEDIC_TRY(const LabState state, lab::load_state(data_dir));
    std::vector<std::string> arguments = job_arguments(state.plan, submission.version);
    std::ranges::copy(submission.options, std::back_inserter(arguments));
    json run = {
        {"entryClass", job_entry},
        {"programArgsList", arguments},
        {"parallelism", submission.parallelism > 0 ? submission.parallelism
                                                   : state.plan.options.taskmanagers * state.plan.options.slots}};
    if (!submission.savepoint.empty()) run["savepointPath"] = submission.savepoint;
    return upload_and_run(data_dir, submission.version, run);
}

Result<std::string> submit_bounded_job(const std::string& data_dir) {
    return upload_and_run(
        data_dir, job_versions[0],
        {{"entryClass", bounded_job_entry}, {"programArgsList", {bounded_job_name}}, {"parallelism", 1}});
}

}  // namespace medic::live
