#include <fmt/core.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fcntl.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/cli/addresses.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/discover_text.h"
#include "agent/cli/input.h"
#include "agent/cli/outside_real.h"
#include "agent/cli/progress.h"
#include "agent/cli/terminal.h"
#include "agent/collectors/json_internal.h"
#include "agent/daemon/doors.h"
#include "agent/discovery/config_text.h"
#include "agent/discovery/picture_json.h"
#include "agent/discovery/probe_pages.h"
#include "agent/discovery/update.h"

namespace medic::cli {
namespace {

using namespace discovery;

struct Options {
    Addresses addresses;
    std::string output = "text", file, update, since;
    std::vector<int> ports;
    bool probe = false;
};

// Never over a file that is there: people may have written into it.
Status write_new(const std::string& path, const std::string& text) {
    const int fd = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
        return fail(ErrorCode::invalid,
                    "{}: is there already and stays as it is; `medic discover --update {}` shows what it lacks", path,
                    path);
    if (fd < 0) return fail(ErrorCode::invalid, "{}: can't be written: {}", path, std::strerror(errno));
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t count = write(fd, left.data(), left.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        left.remove_prefix(static_cast<std::size_t>(count));
    }
    const bool closed = close(fd) == 0;
    if (!left.empty() || !closed) return fail(ErrorCode::unavailable, "{}: could not be written whole", path);
    return {};
}

std::string data_dir() {
    if (geteuid() == 0) return "/var/lib/streammedic";
    const char* home = std::getenv("HOME");
    return std::string(home != nullptr ? home : ".") + "/.local/share/streammedic/agent";
}

std::string called(const Options& options) {
    std::string text = "medic discover";
    const auto add = [&](const char* name, const std::vector<std::string>& values) {
        for (std::size_t i = 0; i < values.size(); ++i)
            text += (i == 0 ? std::string(" ") + name + " " : ",") + values[i];
    };
    add("--kafka", options.addresses.kafka);
    add("--connect", options.addresses.connect);
    add("--flink", options.addresses.flink);
    if (!options.addresses.prometheus.empty()) text += " --prometheus " + options.addresses.prometheus;
    if (!options.addresses.access.empty()) text += " --access " + options.addresses.access;
    return text + (options.probe ? " --probe-pages" : "");
}

Picture look(Outside& outside, const ClusterConfig& cluster, const Options& options) {
    LookOptions how;
    how.progress = progress;
    const ClusterLook seen = look_once(outside, cluster, how);
    progress("topics of connectors and jobs");
    Picture picture = draw(outside, cluster, seen);
    if (options.probe) {
        progress("metric pages on known hosts");
        for (PageLook& page :
             probe_pages(outside, cluster, picture, options.ports.empty() ? usual_page_ports() : options.ports))
            picture.pages.push_back(std::move(page));
    }
    progress("");
    return picture;
}

// Where that server's series carry a label `cluster`, those of this cluster are meant: the one of its name, or the only
// one.
void narrow(Outside& outside, ClusterConfig& cluster) {
    if (cluster.prometheus.url.empty() || cluster.prometheus.match != "{}") return;
    const auto answers =
        outside.get({{.url = cluster.prometheus.url + "/api/v1/label/cluster/values", .cluster = cluster.name}});
    const auto parsed = json_read::document(answers.front().answer);
    if (!parsed) return;
    std::vector<std::string> values;
    for (const auto& one : json_read::array(*parsed, "data"))
        if (one.is_string()) values.push_back(one.get<std::string>());
    const bool named = std::ranges::find(values, cluster.name) != values.end();
    if (!named && values.size() != 1) return;
    cluster.prometheus.match = "{cluster=\"" + (named ? cluster.name : values.front()) + "\"}";
}

int exit_of(const ClusterConfig& cluster, const Picture& picture) {
    const bool only_prometheus =
        cluster.kafka.bootstrap.empty() && cluster.connect_urls.empty() && cluster.flink_urls.empty();
    return picture.problems.empty() && (only_prometheus || !picture.empty()) ? exit_ok : exit_cannot_tell;
}

// Against an earlier picture; nothing when none was given.
Result<std::vector<Change>> since(const Options& options, const Picture& picture) {
    if (options.since.empty()) return std::vector<Change>{};
    MEDIC_TRY(const std::string text, read_file(options.since));
    MEDIC_TRY(const Picture before, picture_from_json(text, options.since));
    if (before.cluster != picture.cluster)
        return fail(ErrorCode::invalid, "{}: is a picture of cluster {}, not of {}", options.since, before.cluster,
                    picture.cluster);
    return compare(before, picture);
}

// What is in the file, and what the command line adds to it.
ClusterConfig merged(ClusterConfig configured, const ClusterConfig& given) {
    const auto add = [](std::vector<std::string>& into, const std::vector<std::string>& more) {
        for (const std::string& one : more)
            if (std::ranges::find(into, one) == into.end()) into.push_back(one);
    };
    if (configured.kafka.bootstrap.empty()) configured.kafka = given.kafka;
    add(configured.connect_urls, given.connect_urls);
    add(configured.flink_urls, given.flink_urls);
    for (const auto& [url, access] : given.http)
        configured.http.try_emplace(url, access);  // The file has its say first.
    if (configured.prometheus.url.empty()) configured.prometheus = given.prometheus;
    return configured;
}

void print(const Options& options, const Picture& picture, const std::vector<Change>& changes,
           const std::string& patch) {
    if (options.output == "json") return fmt::print("{}", to_json(picture, changes));
    if (options.output == "yaml") return fmt::print("{}", patch);
    print_text(text_of(picture, options.output == "wide") + text_of(changes));
    if (patch.empty()) return;
    print_text("\n" + patch);
    fmt::print("\n# apply it:  medic discover --update {} -o yaml | patch -p0\n", options.update);
}

int update_file(const Options& options) {
    auto config = load_config_file(options.update);
    auto text = read_file(options.update);
    if (!config || !text) return complain((config ? text.error() : config.error()).message, exit_usage);
    Addresses addresses = options.addresses;
    if (addresses.name.empty() && config->clusters.size() == 1) addresses.name = config->clusters.front().name;
    const bool one = !addresses.name.empty();
    if (!one && !addresses.empty())
        return complain("discover: --name says to which cluster of the file the addresses belong", exit_usage);
    if (one && config->cluster(addresses.name) == nullptr)
        return complain(fmt::format("{}: no cluster `{}`", options.update, addresses.name), exit_usage);
    Config whole;
    for (const ClusterConfig& configured : config->clusters) {
        if (one && configured.name != addresses.name) continue;
        addresses.name = configured.name;
        const auto given = cluster_of(addresses);
        if (!given) return complain("discover: " + given.error().message, exit_usage);
        whole.clusters.push_back(merged(configured, *given));
    }
    const auto outside = make_outside(access_of(whole));
    int code = exit_ok;
    for (const ClusterConfig& cluster : whole.clusters) {
        const Picture picture = look(*outside, cluster, options);
        auto changes = since(options, picture);
        if (!changes) return complain(changes.error().message, exit_usage);
        const auto result = update(*text, options.update, cluster, picture);
        if (!result) return complain(result.error().message, exit_usage);
        changes->insert(changes->end(), result->changes.begin(), result->changes.end());
        print(options, picture, *changes, result->patch);
        code = std::max<int>(code, exit_of(cluster, picture));
    }
    return code;
}

int discover(const Options& options) {
    if (!options.update.empty()) return update_file(options);
    Addresses addresses = options.addresses;
    if (const Status good = options.since.empty() ? Status{} : refuse_directory(options.since); !good)
        return complain(good.error().message, exit_usage);
    if (addresses.empty())
        return complain("discover: give --kafka, --connect, --flink or --prometheus, or --update FILE", exit_usage);
    if (addresses.name.empty()) addresses.name = "here";
    auto cluster = cluster_of(addresses);
    if (!cluster) return complain("discover: " + cluster.error().message, exit_usage);
    if (!options.file.empty() && access(options.file.c_str(), F_OK) == 0)
        return complain(write_new(options.file, "").error().message, exit_usage);
    Config config;
    config.clusters.push_back(*cluster);
    const auto outside = make_outside(access_of(config));
    narrow(*outside, *cluster);
    const Picture picture = look(*outside, *cluster, options);
    const auto changes = since(options, picture);
    if (!changes) return complain(changes.error().message, exit_usage);
    const std::string text = config_text(*cluster, picture, {.data_dir = data_dir(), .command = called(options)});
    const bool json = options.output == "json";
    if (!options.file.empty()) {
        if (const auto written = write_new(options.file, json ? to_json(picture, *changes) : text); !written)
            return complain(written.error().message, exit_usage);
    } else if (json || options.output == "yaml") {
        fmt::print("{}", json ? to_json(picture, *changes) : text);
    }
    if (options.output == "text" || options.output == "wide") {
        print_text(text_of(picture, options.output == "wide"));
        if (!options.since.empty()) print_text(text_of(*changes));
        if (options.file.empty())
            fmt::print("\nNext: the same with --output medic.yaml writes the configuration\n");
        else
            fmt::print("\nWritten: {0}\nNext: medic doctor --config {0}\n", options.file);
    }
    return exit_of(*cluster, picture);
}

}  // namespace

void add_discover(CLI::App& app, Context& context) {
    CLI::App* command =
        add(app, run, "discover", "From addresses to a medic.yaml and a picture of what there is (reads only)",
            "  medic discover --kafka broker1:9092 --connect http://worker1:8083 --flink http://jobmanager:8081 "
            "--output medic.yaml\n"
            "  medic discover --kafka broker1:9092 -o wide\n"
            "  medic discover --kafka broker1:9092 --probe-pages -o json > before.json\n"
            "  medic discover --update medic.yaml --since before.json\n"
            "Exit code: 0 all was seen, 2 a part was not, 64 wrong usage.");
    static Options options;
    options = {};
    command->add_option("--kafka", options.addresses.kafka, "Kafka broker, host:port")->delimiter(',');
    command->add_option("--connect", options.addresses.connect, "Kafka Connect REST address")->delimiter(',');
    command->add_option("--flink", options.addresses.flink, "Flink REST address")->delimiter(',');
    command->add_option("--prometheus", options.addresses.prometheus, "Prometheus server that already scrapes them");
    command->add_option("--access", options.addresses.access, access_help);
    command->add_option("--name", options.addresses.name, "Name of the cluster in medic.yaml (here)");
    CLI::Option* probe = command->add_flag("--probe-pages", options.probe,
                                           "Look for metric pages at the usual ports of the hosts that were found");
    command->add_option("--ports", options.ports, "Ports to look at instead of the usual ones (with --probe-pages)")
        ->delimiter(',')
        ->check(CLI::Range(1, 65'535))
        ->needs(probe);
    command
        ->add_option("-o,--output-format", options.output,
                     "text, wide, yaml (the configuration or, with --update, the patch) or json")
        ->check(CLI::IsMember({"text", "wide", "json", "yaml"}));
    CLI::Option* file =
        command
            ->add_option(
                "--output", options.file,
                "Write the configuration (with -o json: the picture) into this new file; - for standard output")
            ->check(output_file());
    command
        ->add_option("--update", options.update,
                     "Compare with this medic.yaml and print a patch; the file is not touched")
        ->excludes(file);
    command->add_option("--since", options.since, "Earlier picture (-o json): says what came and what went");
    command->callback([&context] {
        if (options.file == "-") {
            options.file.clear();
            if (options.output != "json") options.output = "yaml";
        }
        context.exit_code = discover(options);
    });
}

}  // namespace medic::cli
