#include "agent/bundle/bundle.h"

#include <fmt/format.h>
#include <glob.h>
#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/api/incident_view.h"
#include "agent/bundle/weigh.h"
#include "agent/daemon/diagnosis_document.h"
#include "agent/loop/incident_codec.h"
#include "remediations/journal/journal.h"

namespace medic::bundle {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& value, int indent = 2) {
    return value.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

class Maker {
public:
    explicit Maker(const Parts& parts) : parts_(parts), redaction_(parts.config) {}

    std::vector<File> make() {
        add("diagnosis.json", diagnosis_document(parts_.diagnosis));
        configuration();
        journal();
        add("events.jsonl", parts_.snapshot.events);
        add("series.jsonl", parts_.snapshot.series);
        add("topology.jsonl", parts_.snapshot.topology);
        for (const std::string& one : parts_.snapshot.left_out) withheld_.push_back({one, "over the bounds"});
        logs();
        versions();
        for (const std::string& one : redaction_.unknown())
            withheld_.push_back({one, "not looked up, so what it holds was only struck where it looks like a secret"});
        withheld_.push_back(
            {"raw answers of the products, and what the topology knows of each thing", "never kept in a bundle"});
        withheld_.push_back({"values of settings of connectors and jobs", "they hold logins; the agent keeps none"});
        files_.insert(files_.begin(), File{"manifest.json", redaction_.clean_json(manifest(), 2)});
        return std::move(files_);
    }

private:
    // Cut at a line's end, and cleaned whatever it was before.
    void add(const std::string& name, std::string text) {
        if (text.empty()) return withheld_.push_back({name, "there was nothing"});
        if (text.size() > parts_.bounds.file_bytes_max) {
            const auto end = text.rfind('\n', parts_.bounds.file_bytes_max);
            withheld_.push_back({fmt::format("{}: the last of {} bytes", name, text.size()), "over the bounds"});
            text.resize(end == std::string::npos ? parts_.bounds.file_bytes_max : end + 1);
        }
        files_.push_back({name, cleaned(name, text)});
    }

    std::string cleaned(const std::string& name, const std::string& text) const {
        if (name.ends_with(".json")) return redaction_.clean_json(text, 2);
        if (name.ends_with(".yaml")) return redaction_.strike(text);  // Cleaned by its meaning before.
        if (!name.ends_with(".jsonl")) return redaction_.clean(text);
        std::string all;
        std::istringstream in(text);
        for (std::string line; std::getline(in, line);) all += redaction_.clean_json(line, -1);
        return all;
    }

    void configuration() {
        const std::string& path = parts_.config.path;
        if (std::error_code error; !std::filesystem::exists(path, error))
            return withheld_.push_back({"config.yaml", "there is no file: addresses were given"});
        auto text = config_without_secrets(path, withheld_);
        if (!text) return withheld_.push_back({"config.yaml", text.error().message});
        add("config.yaml", *std::move(text));
    }

    void journal() {
        if (parts_.config.data_dir.empty())
            return withheld_.push_back({"incidents.json, journal.jsonl", "no data folder is known"});
        const auto journal = Journal::open_read_only(parts_.config.data_dir + "/journal.db");
        if (!journal) return withheld_.push_back({"incidents.json, journal.jsonl", journal.error().message});
        const auto rows = (*journal)->incidents(parts_.bounds.incidents_max);
        if (!rows) return withheld_.push_back({"incidents.json, journal.jsonl", rows.error().message});
        const WallTime from = parts_.now - parts_.bounds.last;
        std::vector<Incident> recent;
        std::string decisions;
        std::size_t lines = 0;
        for (const IncidentRow& row : *rows) {
            if (row.closed && row.resolved_at < from) continue;
            if (auto incident = from_row(row)) recent.push_back(*std::move(incident));
            const auto of = (*journal)->decisions(row.id);
            if (!of) continue;
            for (const DecisionRow& one : *of) {
                if (one.at < from || lines >= parts_.bounds.decisions_max) continue;
                ++lines;
                decisions += dump({{"at", rfc3339(one.at)},
                                   {"incident", one.incident},
                                   {"key", one.key},
                                   {"kind", one.kind},
                                   {"verdict", one.verdict},
                                   {"text", one.text}},
                                  -1);
            }
        }
        if (lines >= parts_.bounds.decisions_max)
            withheld_.push_back(
                {"journal.jsonl: decisions beyond the first " + std::to_string(lines), "over the bounds"});
        std::ranges::reverse(recent);
        add("incidents.json", incidents_json(recent));
        add("journal.jsonl", decisions);
    }

    void logs() {
        struct Found {
            std::filesystem::file_time_type at;
            std::string path;
        };
        std::vector<Found> found;
        for (const ClusterConfig& cluster : parts_.config.clusters)
            for (const LogConfig& log : cluster.logs) {
                if (log.path.empty()) {
                    withheld_.push_back({"log of the unit " + log.unit, "units are not read into a bundle"});
                    continue;
                }
                glob_t names{};
                if (glob(log.path.c_str(), GLOB_NOSORT, nullptr, &names) == 0)
                    for (std::size_t i = 0; i < names.gl_pathc; ++i) {
                        std::error_code error;
                        const auto at = std::filesystem::last_write_time(names.gl_pathv[i], error);
                        if (!error && std::filesystem::is_regular_file(names.gl_pathv[i], error))
                            found.push_back({at, names.gl_pathv[i]});
                    }
                globfree(&names);
            }
        std::ranges::sort(found, std::ranges::greater{}, &Found::at);
        const auto same = [](const Found& a, const Found& b) { return a.path == b.path; };
        found.erase(std::unique(found.begin(), found.end(), same), found.end());
        for (std::size_t i = 0; i < found.size(); ++i) {
            if (i < parts_.bounds.log_files_max)
                excerpt(i + 1, found[i].path);
            else
                withheld_.push_back({"log " + found[i].path, "over the bounds: others were written later"});
        }
    }

    void excerpt(std::size_t number, const std::string& path) {
        std::ifstream in(path, std::ios::binary | std::ios::ate);
        if (!in) return withheld_.push_back({"log " + path, "it can't be read"});
        const auto size = static_cast<std::size_t>(in.tellg());
        const std::size_t from = size - std::min(size, parts_.bounds.log_bytes_max);
        in.seekg(static_cast<std::streamoff>(from));
        std::string text(size - from, '\0');
        in.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(in.gcount()));
        if (from > 0) {
            // A line that is cut in two may hold the half of a secret.
            text.erase(0, std::min(text.find('\n'), text.size() - 1) + 1);
            withheld_.push_back({fmt::format("log {}: its first {} bytes", path, from), "over the bounds"});
        }
        const std::string name = fmt::format("logs/{}.log", number);
        sources_[name] = path;
        add(name, std::move(text));
    }

    void versions() {
        utsname system{};
        (void)uname(&system);
        add("versions.json",
            dump({{"schema", 1},
                  {"medic", parts_.medic_version},
                  {"kernel", fmt::format("{} {} {}", system.sysname, system.release, system.machine)}}));
    }

    std::string manifest() const {
        Json files = Json::array(), withheld = Json::array();
        for (const File& one : files_) {
            Json entry{{"name", one.name}, {"bytes", one.text.size()}};
            if (const auto of = sources_.find(one.name); of != sources_.end()) entry["of"] = of->second;
            files.push_back(std::move(entry));
        }
        for (const Withheld& one : withheld_) withheld.push_back({{"what", one.what}, {"why", one.why}});
        const Bounds& bounds = parts_.bounds;
        return dump({{"schema", 1},
                     {"made_at", rfc3339(parts_.now)},
                     {"made_by", parts_.medic_version},
                     {"files", files},
                     {"withheld", withheld},
                     {"secrets_struck", redaction_.known()},
                     {"bounds",
                      {{"last_seconds", bounds.last.count() / 1000},
                       {"incidents_max", bounds.incidents_max},
                       {"decisions_max", bounds.decisions_max},
                       {"log_files_max", bounds.log_files_max},
                       {"log_bytes_max", bounds.log_bytes_max},
                       {"file_bytes_max", bounds.file_bytes_max}}}});
    }

    const Parts& parts_;
    Redaction redaction_;
    std::vector<File> files_;
    std::vector<Withheld> withheld_;
    std::map<std::string, std::string> sources_;
};

}  // namespace

std::vector<File> make_bundle(const Parts& parts) { return Maker(parts).make(); }

Result<DiagnoseResult> read_bundle(const std::string& path, const std::string& rules_directory) {
    MEDIC_TRY(const auto files, read_archive(path));
    const auto found = std::ranges::find(files, "diagnosis.json", &File::name);
    if (found == files.end()) return fail(ErrorCode::invalid, "{}: is no bundle: it has no diagnosis.json", path);
    auto result = read_diagnosis_document(found->text);
    if (!result) return fail(ErrorCode::invalid, "{}: {}", path, result.error().message);
    result->seen_by.kind = SeenBy::Kind::bundle;
    result->seen_by.address = path;
    // Without samples there is nothing to weigh: what the bundle says is all there is.
    auto weighed = weigh_anew(files, {.rules_directory = rules_directory});
    if (!weighed && weighed.error().code != ErrorCode::not_ready) return std::unexpected(weighed.error());
    if (weighed) {
        weighed->changes = compared(result->report.diagnoses, weighed->diagnoses);
        result->weighed_anew = *std::move(weighed);
    }
    return result;
}

}  // namespace medic::bundle
