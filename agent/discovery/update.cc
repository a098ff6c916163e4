#include "agent/discovery/update.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "agent/base/yaml.h"
#include "agent/discovery/config_text.h"
#include "agent/discovery/probe_pages.h"

namespace medic::discovery {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t from = 0; from < text.size();) {
        const auto end = std::min(text.find('\n', from), text.size());
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    return lines;
}

// The last line (from 1) that holds anything of a value.
int last_line(const YamlNode& node) {
    int last = node.line();
    for (const YamlNode& item : node.items()) last = std::max(last, last_line(item));
    for (const auto& [key, value] : node.entries())
        last = std::max({last, node.key_node(key).line(), last_line(value)});
    return last;
}

// The place of the ']' that closes the '[' at `open`; npos when the line does not hold it.
std::size_t closing(const std::string& line, std::size_t open) {
    int depth = 0;
    char quote = 0;
    for (std::size_t i = open; i < line.size(); ++i) {
        const char c = line[i];
        if (quote != 0) {
            if (c == '\\' && quote == '"')
                ++i;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[') {
            ++depth;
        } else if (c == ']' && --depth == 0) {
            return i;
        }
    }
    return std::string::npos;
}

// Puts items into lists of one cluster's map, each checked by reading the result as the agent would.
class Editor {
public:
    Editor(const std::string& text, std::string path, std::string cluster)
        : path_(std::move(path)), cluster_(std::move(cluster)) {
        for (std::string& line : lines_of(text)) {
            lines_.push_back({line, lines_.size(), false});
            old_lines_.push_back(std::move(line));
        }
    }

    // `keys`: path of the list under the cluster: {"connect", "urls"}. Returns false when the file can't take it.
    bool add(const std::vector<std::string>& keys, const std::string& item) {
        const auto document = load_yaml(text(), path_);
        if (!document) return false;
        YamlNode map = document->get("clusters").get(cluster_);
        for (std::size_t i = 0; i + 1 < keys.size(); ++i) map = map.get(keys[i]);
        const YamlNode list = map.get(keys.back());
        const auto lines = lines_of(text());
        const auto edit = !map.is_map()    ? std::nullopt
                          : list.is_list() ? list_edit(list, map.key_node(keys.back()), lines, item)
                          : !list          ? section_edit(map, lines, keys.back(), item)
                                           : std::nullopt;
        if (!edit || edit->at > lines_.size()) return false;
        auto before = lines_;
        apply(*edit);
        if (load_config(text(), path_)) return true;
        lines_ = std::move(before);
        return false;
    }

    [[nodiscard]] std::string text() const {
        std::string all;
        for (const Line& one : lines_) all += one.text + "\n";
        return all;
    }

    [[nodiscard]] std::string patch() const {
        std::vector<LineEdit> edits;
        std::vector<std::string> fresh;
        for (const Line& one : lines_) {
            if (!one.old) {
                fresh.push_back(one.text);
                continue;
            }
            if (!fresh.empty()) edits.push_back({*one.old, std::exchange(fresh, {}), false});
            if (one.changed) edits.push_back({*one.old, {one.text}, true});
        }
        if (!fresh.empty()) edits.push_back({old_lines_.size(), std::move(fresh), false});
        return unified(path_, old_lines_, std::move(edits));
    }

private:
    static std::optional<LineEdit> list_edit(const YamlNode& list, const YamlNode& key,
                                             const std::vector<std::string>& lines, const std::string& item) {
        const auto items = list.items();
        if (items.empty()) return std::nullopt;
        const auto key_line = static_cast<std::size_t>(key.line() - 1);
        const auto first = static_cast<std::size_t>(items.front().line() - 1);
        if (key_line >= lines.size() || first >= lines.size()) return std::nullopt;
        const auto open = lines[key_line].find('[', static_cast<std::size_t>(std::max(0, key.column() - 1)));
        if (first == key_line && open != std::string::npos) {
            const auto close = closing(lines[key_line], open);
            if (close == std::string::npos) return std::nullopt;
            std::string line = lines[key_line];
            line.insert(close, ", " + item);
            return LineEdit{key_line, {line}, true};
        }
        const auto dash = lines[first].find('-');
        if (dash == std::string::npos || lines[first].find_first_not_of(' ') != dash) return std::nullopt;
        return LineEdit{
            static_cast<std::size_t>(last_line(items.back())), {std::string(dash, ' ') + "- " + item}, false};
    }

    // A section that the cluster does not have yet goes to its end.
    static std::optional<LineEdit> section_edit(const YamlNode& map, const std::vector<std::string>& lines,
                                                const std::string& key, const std::string& item) {
        const auto entries = map.entries();
        if (entries.empty()) return std::nullopt;
        const YamlNode first = map.key_node(entries.front().first);
        const auto column = static_cast<std::size_t>(std::max(1, first.column()) - 1);
        const auto line = static_cast<std::size_t>(first.line() - 1);
        if (line >= lines.size() || lines[line].find_first_not_of(' ') != column) return std::nullopt;  // Flow style.
        const std::string pad(column, ' ');
        return LineEdit{static_cast<std::size_t>(last_line(map)), {pad + key + ":", pad + "  - " + item}, false};
    }

    void apply(const LineEdit& edit) {
        const auto at = lines_.begin() + static_cast<std::ptrdiff_t>(edit.at);
        if (edit.replaces) {
            at->text = edit.lines.front();
            at->changed = true;
            return;
        }
        std::vector<Line> fresh;
        for (const std::string& line : edit.lines) fresh.push_back({line, std::nullopt, false});
        lines_.insert(at, fresh.begin(), fresh.end());
    }

    struct Line {
        std::string text;
        std::optional<std::size_t> old;  // Its place in the file as it was; none: added.
        bool changed = false;
    };
    std::string path_, cluster_;
    std::vector<std::string> old_lines_;
    std::vector<Line> lines_;
};

class Updater {
public:
    Updater(const ClusterConfig& configured, const ClusterConfig& given, const Picture& picture, Editor& editor)
        : configured_(configured), given_(given), picture_(picture), editor_(editor) {}

    std::vector<Change> run() {
        connect();
        flink();
        pages();
        gone();
        return std::move(changes_);
    }

private:
    void add(const std::string& what, const std::vector<std::string>& keys, const std::string& item) {
        std::string place = "clusters." + configured_.name;
        for (const std::string& key : keys) place += "." + key;
        const bool done = editor_.add(keys, item);
        changes_.push_back({done ? Change::Kind::added : Change::Kind::by_hand, what, place + ": " + item});
    }

    void connect() {
        const auto listed = [&](const std::string& address) {
            return std::ranges::any_of(configured_.connect_urls,
                                       [&](const std::string& url) { return shown_address(url) == address; });
        };
        for (const ConnectWorker& one : picture_.workers) {
            if (listed(one.address) || configured_.connect_urls.empty()) continue;
            // Its scheme is that of its neighbours.
            const std::string scheme =
                configured_.connect_urls.front().substr(0, configured_.connect_urls.front().find("://") + 3);
            add("worker " + one.address, {"connect", "urls"}, quoted(scheme + one.address));
        }
        if (!configured_.connect_urls.empty() || given_.connect_urls.empty()) return;
        changes_.push_back({Change::Kind::by_hand, "Connect",
                            fmt::format("clusters.{}: connect: {{urls: [{}]}}", configured_.name,
                                        quoted(given_.connect_urls.front()))});
    }

    void flink() {
        for (const FlinkCluster& one : picture_.flinks)
            if (one.reachable && std::ranges::find(configured_.flink_urls, one.url) == configured_.flink_urls.end())
                add("Flink " + shown_address(one.url), {"flink"}, flink_item(one.url));
    }

    [[nodiscard]] std::string flink_item(const std::string& url) const {
        std::string item = "{url: " + quoted(url);
        for (const std::string& one : access_items(given_, url)) item += ", " + one;
        return item + "}";
    }

    void pages() {
        const auto has = [&](const PageLook& page) {
            return std::ranges::find(configured_.pages, page.config.url, &PageConfig::url) != configured_.pages.end();
        };
        Picture fresh;
        fresh.brokers = picture_.brokers;
        fresh.workers = picture_.workers;
        for (const PageLook& page : picture_.pages)
            if (!has(page) && page.error.empty()) fresh.pages.push_back(page);
        for (const NodeWanted& one : nodes_wanted(fresh))
            if (configured_.node(one.name) == nullptr)
                add("node " + one.name, {"nodes"}, node_item(one.name, one.role, one.zone));
        for (const PageLook& page : fresh.pages)
            add("page " + shown_address(page.config.url), {"metrics"}, page_item(page.config));
    }

    void missing(bool whole, const std::string& what, const std::string& advice) {
        changes_.push_back(
            {whole ? Change::Kind::gone : Change::Kind::unseen, what,
             whole ? advice : "its cluster was not wholly visible: look again before removing anything"});
    }

    void gone() {
        for (const DeploymentConfig& one : configured_.deployments)
            if (!picture_.flinks.empty() && picture_.job(one.job) == nullptr)
                missing(
                    picture_.flink_whole, "job/" + one.job,
                    fmt::format("clusters.{}.deployments: remove it if it was deleted on purpose", configured_.name));
        for (const auto& [pattern, owner] : configured_.owners) {
            const auto colon = pattern.find(':');
            const std::string kind = pattern.substr(0, colon), name = pattern.substr(colon + 1);
            if (name.find_first_of("*?") != std::string::npos || known(kind, name)) continue;
            missing(
                whole(kind), kind + "/" + name,
                fmt::format("clusters.{}.owners: {} owned it; remove {}", configured_.name, owner, quoted(pattern)));
        }
        for (const NodeConfig& one : configured_.nodes) {
            constexpr std::string_view prefix = "broker-";
            if (one.role != "broker" || !one.name.starts_with(prefix) || picture_.brokers.empty()) continue;
            if (std::ranges::find(picture_.brokers, one.name.substr(prefix.size()), &Broker::id) ==
                picture_.brokers.end())
                changes_.push_back({Change::Kind::unseen, "node " + one.name,
                                    "no such broker in the cluster's metadata: down, or taken away for good"});
        }
    }

    [[nodiscard]] bool whole(const std::string& kind) const {
        if (kind == "job") return picture_.flink_whole;
        if (kind == "connector") return picture_.connect_whole;
        return picture_.kafka_whole;
    }

    // Kinds that the picture does not hold count as known: nothing is said of them.
    [[nodiscard]] bool known(const std::string& kind, const std::string& name) const {
        if (kind == "job") return picture_.flinks.empty() || picture_.job(name) != nullptr;
        if (kind == "connector")
            return picture_.workers.empty() ||
                   std::ranges::find(picture_.connectors, name, &Connector::name) != picture_.connectors.end();
        if (kind == "topic")
            return picture_.brokers.empty() ||
                   std::ranges::find(picture_.topics, name, &Topic::name) != picture_.topics.end();
        if (kind == "group")
            return picture_.brokers.empty() ||
                   std::ranges::find(picture_.groups, name, &Group::id) != picture_.groups.end();
        return true;
    }

    const ClusterConfig& configured_;
    const ClusterConfig& given_;
    const Picture& picture_;
    Editor& editor_;
    std::vector<Change> changes_;
};

struct Names {
    std::string kind;
    std::set<std::string> before, after;
    bool whole = false;
};

std::set<std::string> job_names(const Picture& picture) {
    std::set<std::string> names;
    for (const FlinkCluster& flink : picture.flinks)
        for (const Job& job : flink.jobs) names.insert(job.name);
    return names;
}

template <class Range, class Projection>
std::set<std::string> names_of(const Range& range, Projection projection) {
    std::set<std::string> names;
    for (const auto& one : range) names.insert(std::invoke(projection, one));
    return names;
}

}  // namespace

Result<Update> update(const std::string& text, const std::string& path, const ClusterConfig& given,
                      const Picture& picture) {
    MEDIC_TRY(const Config config, load_config(text, path));
    const ClusterConfig* configured = config.cluster(given.name);
    if (configured == nullptr)
        return fail(ErrorCode::invalid, "{}: no cluster `{}`; name one of the file's with --name", path, given.name);
    Editor editor(text, path, configured->name);
    Update result;
    result.changes = Updater(*configured, given, picture, editor).run();
    result.patch = editor.patch();
    result.text = editor.text();
    return result;
}

std::vector<Change> compare(const Picture& before, const Picture& after) {
    const std::vector<Names> all = {
        {"broker", names_of(before.brokers, &Broker::id), names_of(after.brokers, &Broker::id), false},
        {"topic", names_of(before.topics, &Topic::name), names_of(after.topics, &Topic::name), after.kafka_whole},
        {"group", names_of(before.groups, &Group::id), names_of(after.groups, &Group::id), after.kafka_whole},
        {"worker", names_of(before.workers, &ConnectWorker::address), names_of(after.workers, &ConnectWorker::address),
         false},
        {"connector", names_of(before.connectors, &Connector::name), names_of(after.connectors, &Connector::name),
         after.connect_whole},
        {"job", job_names(before), job_names(after), after.flink_whole}};
    std::vector<Change> changes;
    for (const Names& one : all) {
        for (const std::string& name : one.before)
            if (!one.after.contains(name))
                changes.push_back({one.whole ? Change::Kind::gone : Change::Kind::unseen, one.kind + "/" + name,
                                   one.whole ? "its cluster is healthy: it was deleted"
                                             : "not seen now: down, taken away, or not visible"});
        for (const std::string& name : one.after)
            if (!one.before.contains(name)) changes.push_back({Change::Kind::fresh, one.kind + "/" + name, ""});
    }
    return changes;
}

}  // namespace medic::discovery
