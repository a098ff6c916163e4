#include <algorithm>

#include <fmt/core.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/advice/advise.h"
#include "agent/advice/read_shape.h"
#include "agent/base/plain_text.h"
#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/outside_real.h"
#include "agent/cli/terminal.h"
#include "agent/daemon/doors.h"

namespace medic::cli {
namespace {

struct Options {
    Addresses addresses;
    std::string config, flink, job, output = "text";
};

Result<Config> config_of(const Options& options) {
    if (!options.config.empty()) return load_config_file(options.config);
    Addresses addresses = options.addresses;
    if (!options.flink.empty()) addresses.flink = {options.flink};
    if (addresses.flink.empty()) return fail(ErrorCode::invalid, "lint job: give --flink URL or --config FILE");
    addresses.name = "here";
    return config_of(addresses);
}

// The Flink REST addresses to look at.
Result<std::vector<std::string>> flinks_of(const Config& config) {
    std::vector<std::string> urls;
    for (const ClusterConfig& cluster : config.clusters)
        urls.insert(urls.end(), cluster.flink_urls.begin(), cluster.flink_urls.end());
    if (urls.empty()) return fail(ErrorCode::invalid, "{}: no cluster in it has `flink:`", config.path);
    return urls;
}

std::string body_of(const discovery::Got& got) {
    return got.answer && got.answer->status == 200 ? got.answer->body : std::string();
}

Result<std::string> needed(discovery::Outside& outside, const std::string& url) {
    const auto got = outside.get({{.url = url}});
    if (!got[0].answer) return std::unexpected(got[0].answer.error());
    if (got[0].answer->status != 200)
        return fail(ErrorCode::unavailable, "{}: HTTP status {}", url, got[0].answer->status);
    return got[0].answer->body;
}

Result<advice::JobShape> shape_of(discovery::Outside& outside, const std::string& url, const std::string& id) {
    const std::string job = url + "/jobs/" + id;
    advice::ShapeAnswers answers;
    MEDIC_TRY(answers.job, needed(outside, job));
    MEDIC_TRY(const auto vertices, advice::vertex_ids(answers.job));
    std::vector<discovery::Get> asks{
        {.url = job + "/checkpoints"}, {.url = job + "/checkpoints/config"}, {.url = url + "/taskmanagers"}};
    for (const auto& vertex : vertices) asks.push_back({.url = job + "/vertices/" + vertex});
    const auto got = outside.get(asks);
    answers.checkpoints = body_of(got[0]);
    answers.checkpoint_config = body_of(got[1]);
    answers.task_managers = body_of(got[2]);
    for (std::size_t i = 3; i < got.size(); ++i) answers.vertices.push_back(body_of(got[i]));
    return advice::read_shape(answers);
}

void print_advice(const advice::JobShape& job, const std::vector<advice::Advice>& all) {
    int subtasks = 0;
    for (const auto& vertex : job.vertices) subtasks += vertex.parallelism;
    std::string out =
        fmt::format("{}  {} vertices, {} subtasks{}\n", paint(job.name, Tone::strong), job.vertices.size(), subtasks,
                    job.slots ? fmt::format(", {} slots", *job.slots) : "");
    if (all.empty()) out += "  nothing to advise\n";
    for (const auto& one : all) {
        const Tone tone = one.weight == advice::Weight::warning ? Tone::bad : Tone::warn;
        out += fmt::format("\n  {} ", paint(advice::to_string(one.weight), tone));
        out += plain_text(fmt::format("{} · {}\n    {}\n    instead: {}\n", one.id, one.where, one.what, one.instead));
        if (!one.gain.empty()) out += plain_text(fmt::format("    gain: {}\n", one.gain));
    }
    print_text(out + "\n");
}

nlohmann::json json_of(const advice::JobShape& job, const std::vector<advice::Advice>& all) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& one : all)
        list.push_back({{"id", one.id},
                        {"weight", advice::to_string(one.weight)},
                        {"where", one.where},
                        {"what", one.what},
                        {"instead", one.instead},
                        {"gain", one.gain}});
    return {{"job", job.name}, {"job_id", job.id}, {"advice", list}};
}

struct Found {
    std::string url;  // Of its Flink.
    advice::JobName job;
};

// Without a name those that run. Of a name those that are not over, or the newest one: what it was before it was
// deployed anew is another job's advice.
std::vector<Found> wanted(const std::string& name, const std::vector<Found>& all) {
    std::vector<Found> wanted, over;
    for (const Found& one : all) {
        const std::string& state = one.job.state;
        if (name.empty()) {
            if (state == "RUNNING" || state == "RESTARTING" || state == "CREATED") wanted.push_back(one);
        } else if (one.job.id == name) {
            return {one};
        } else if (one.job.name == name) {
            (one.job.is_over() ? over : wanted).push_back(one);
        }
    }
    if (wanted.empty() && !over.empty())
        wanted.push_back(*std::ranges::max_element(over, {}, [](const Found& one) { return one.job.started_ms; }));
    return wanted;
}

// What came of it so far. One Flink or job that can't be read ends nothing.
struct Outcome {
    nlohmann::json jobs = nlohmann::json::array(), unread = nlohmann::json::array();
    std::size_t looked_at = 0, advised = 0;
    void miss(const std::string& what, const std::string& why) {
        unread.push_back({{"what", what}, {"why", why}});
        (void)complain(what + ": " + why, exit_cannot_tell);
    }
};

std::vector<Found> jobs_of(discovery::Outside& outside, const std::vector<std::string>& urls, Outcome& outcome) {
    std::vector<Found> all;
    for (const std::string& url : urls) {
        const auto overview = needed(outside, url + "/jobs/overview");
        const auto jobs = overview ? advice::read_jobs(*overview) : std::unexpected(overview.error());
        if (!jobs)
            outcome.miss(url, jobs.error().message);
        else
            for (const auto& job : *jobs) all.push_back({url, job});
    }
    return all;
}

void look_at(discovery::Outside& outside, const Options& options, const Found& one, Outcome& outcome) {
    const auto shape = shape_of(outside, one.url, one.job.id);
    if (!shape) return outcome.miss(one.job.name, shape.error().message);
    const auto all = advice::advise(*shape);
    ++outcome.looked_at;
    outcome.advised += all.size();
    if (options.output == "json")
        outcome.jobs.push_back(json_of(*shape, all));
    else
        print_advice(*shape, all);
}

int lint_job(const Options& options) {
    const auto config = config_of(options);
    if (!config) return complain(config.error().message, exit_usage);
    const auto urls = flinks_of(*config);
    if (!urls) return complain(urls.error().message, exit_usage);
    const auto outside = make_outside(access_of(*config));
    Outcome outcome;
    for (const Found& one : wanted(options.job, jobs_of(*outside, *urls, outcome)))
        look_at(*outside, options, one, outcome);
    const bool all_read = outcome.unread.empty();
    if (outcome.looked_at == 0 && all_read)
        return complain(options.job.empty() ? std::string("no job runs there") : options.job + ": no such job there",
                        exit_cannot_tell);
    const nlohmann::json document{{"schema", 1}, {"jobs", outcome.jobs}, {"unread", outcome.unread}};
    if (options.output == "json")
        fmt::print("{}\n", document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace));
    if (outcome.advised > 0) return exit_problem;
    return all_read ? exit_ok : exit_cannot_tell;
}

}  // namespace

void add_lint(CLI::App& app, Context& context) {
    CLI::App* command = add(app, author, "lint", "Advise on how things are built (reads only)",
                            "  medic lint job --flink http://jobmanager:8081\n"
                            "  medic lint job orders --config medic.yaml -o json");
    command->require_subcommand(1);
    CLI::App* job = command->add_subcommand(
        "job", "What a Flink job's structure costs: subtasks, shuffles, keys, parallelism, checkpoints");
    job->footer(
        "Examples:\n"
        "  medic lint job --flink http://jobmanager:8081\n"
        "  medic lint job orders --config medic.yaml -o json\n"
        "Exit code: 0 nothing to advise, 1 there is advice, 2 no answer, no job, or not all could be read, 64 wrong "
        "usage.");
    static Options options;
    options = {};  // A process may call it more than once.
    job->add_option("JOB", options.job, "Name or id of one job; without: every one that runs");
    job->add_option("--flink", options.flink, "Flink REST address");
    job->add_option("--access", options.addresses.access, access_help);
    job->add_option("--config", options.config, "medic.yaml: its Flink clusters")->excludes("--flink");
    job->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    job->callback([&context] { context.exit_code = lint_job(options); });
}

}  // namespace medic::cli
