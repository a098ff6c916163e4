#include "agent/bundle/redaction.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"
#include "agent/base/token_line.h"
#include "agent/base/yaml.h"

namespace medic::bundle {
namespace {

using Json = nlohmann::json;

constexpr std::size_t secret_bytes_min = 4;  // Shorter ones would strike half of every text.
constexpr std::size_t secret_file_bytes_max = 64 * 1024;
constexpr std::string_view hidden = "[hidden]";

constexpr std::array<std::string_view, 10> argument_lists = {"status", "start",     "start_spare", "stop",    "kill",
                                                             "grow",   "kill_task", "threads",     "command", "args"};

std::string file_text(const std::string& path, bool& read) {
    std::ifstream in(path, std::ios::binary);
    read = static_cast<bool>(in);
    std::string text(secret_file_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

void replace_all(std::string& text, const std::string& what) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + hidden.size()))
        text.replace(at, what.size(), hidden);
}

// "https://me:secret@host/x?token=y" → "https://host/x"; a receiver's path is its secret.
std::string shown_url(const std::string& url, bool receiver) {
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return url;
    const auto from = scheme + 3;
    // A password may hold a slash: the last @ before the query ends the login.
    const std::string rest = url.substr(from, url.find_first_of("?#", from) - from);
    const auto login = rest.rfind('@');
    const std::string place = login == std::string::npos ? rest : rest.substr(login + 1);
    return url.substr(0, from) + (receiver ? place.substr(0, place.find('/')) : place);
}

bool names_a_secret(std::string_view key) {
    if (key.ends_with("_file") || key.ends_with("_env")) return false;
    return std::ranges::any_of(std::array<std::string_view, 5>{"password", "secret", "token", "credential", "bearer"},
                               [&](std::string_view word) { return key.find(word) != std::string_view::npos; });
}

class Writer {
public:
    explicit Writer(std::vector<Withheld>& withheld) : withheld_(withheld) {}

    void write(const YamlNode& node, const std::string& path, std::size_t indent) {
        if (node.is_map()) return map(node, path, indent);
        if (node.is_list()) return list(node, path, indent);
        out += " " + scalar(node, path) + "\n";
    }

    std::string out;

private:
    void map(const YamlNode& node, const std::string& path, std::size_t indent) {
        if (node.entries().empty()) {
            out += " {}\n";
            return;
        }
        if (!out.empty()) out += "\n";
        for (const auto& [key, value] : node.entries()) {
            out += std::string(indent, ' ') + quoted(redact(key)) + ":";
            const std::string at = path.empty() ? key : path + "." + key;
            if (value.is_list() && std::ranges::find(argument_lists, key) != argument_lists.end())
                arguments(value, at);
            else
                write(value, at, indent + 2);
        }
    }

    void list(const YamlNode& node, const std::string& path, std::size_t indent) {
        const auto items = node.items();
        if (items.empty())
            out += " []\n";
        else
            out += "\n";
        for (std::size_t i = 0; i < items.size(); ++i) {
            out += std::string(indent, ' ') + "-";
            write(items[i], path + "[" + std::to_string(i) + "]", indent + 2);
        }
    }

    // The program is told, its arguments are not: logins stand there.
    void arguments(const YamlNode& node, const std::string& path) {
        const auto items = node.items();
        if (items.size() < 2) {
            out += items.empty() ? " []\n" : " [" + quoted(redact(items[0].text())) + "]\n";
            return;
        }
        out += " [" + quoted(redact(items[0].text())) + ", \"[withheld]\"]\n";
        withheld_.push_back({"medic.yaml: " + path, "arguments of a command may hold a login"});
    }

    std::string scalar(const YamlNode& node, const std::string& path) {
        const std::string key = path.substr(path.rfind('.') + 1), text = node.text();
        if (node.kind() == YamlNode::Kind::null) return "null";
        if (names_a_secret(key)) {
            withheld_.push_back({"medic.yaml: " + path, "its name says that it is a secret"});
            return quoted("[withheld]");
        }
        const std::string url = shown_url(text, path.starts_with("notify"));
        if (url != text) withheld_.push_back({"medic.yaml: " + path, "login, query or path of an address"});
        return node.quoted() || url != text ? quoted(redact(url)) : redact(url);
    }

    static std::string quoted(const std::string& text) {
        std::string out = "\"";
        for (const char c : text) {
            if (c == '"' || c == '\\') out += '\\';
            if (c == '\n')
                out += "\\n";
            else if (static_cast<unsigned char>(c) >= ' ')
                out += c;
        }
        return out + "\"";
    }

    std::vector<Withheld>& withheld_;
};

}  // namespace

Redaction::Redaction(const Config& config) {
    if (!config.api_token_file.empty()) learn_token_file(config.api_token_file);
    if (std::error_code error; std::filesystem::exists(config.data_dir + "/link.key", error))
        learn_file(config.data_dir + "/link.key");
    const auto door = [&](const HttpAccess& access) {
        learn(access.auth.password);
        learn(access.auth.bearer);
    };
    for (const ClusterConfig& cluster : config.clusters) {
        if (cluster.kafka.security.sasl) learn(cluster.kafka.security.sasl->secret());
        for (const auto& [url, access] : cluster.http) door(access);
        for (const auto* urls : {&cluster.connect_urls, &cluster.flink_urls})
            for (const std::string& url : *urls) learn_url(url, UrlParts::login_and_query);
        for (const PageConfig& page : cluster.pages) learn_url(page.url, UrlParts::login_and_query);
        for (const NodeConfig& node : cluster.nodes) learn_url(node.driver.url, UrlParts::login_and_query);
        learn_url(cluster.prometheus.url, UrlParts::login_and_query);
        learn_url(cluster.alertmanager_url, UrlParts::login_and_query);
    }
    if (!config.lease.password_file.empty()) learn_file(config.lease.password_file);
    for (const std::string& url : config.lease.urls) learn_url(url, UrlParts::login_and_query);
    for (const NotifyConfig& receiver : config.notify) {
        door(receiver.access);
        learn_url(receiver.url, UrlParts::path_too);
        for (const std::string* file : {&receiver.url_file, &receiver.token_file, &receiver.password_file})
            if (!file->empty()) learn_file(*file);
    }
    std::ranges::sort(secrets_, std::ranges::greater{}, &std::string::size);
}

void Redaction::learn(const SecretSource& from) {
    if (!from.file.empty()) learn_file(from.file);
    if (!from.environment.empty()) {
        const char* value = std::getenv(from.environment.c_str());
        if (value != nullptr)
            learn_lines(value);
        else
            unknown_.push_back("variable " + from.environment);
    }
    if (!from.command.empty()) unknown_.push_back("command " + from.command.front());
}

std::string Redaction::read(const std::string& path) {
    bool is_read = false;
    std::string text = file_text(path, is_read);
    if (!is_read) unknown_.push_back("file " + path);
    return text;
}

void Redaction::learn_file(const std::string& path) { learn_lines(read(path)); }

// Whole lines: whoever logs in with them knows no comments (agent/world/real/secret.cc).
void Redaction::learn_lines(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        learn_value(line);
        learn_url(line, UrlParts::path_too);
    }
}

// As the API reads it. Of a line that it refuses, nobody knows which word is the token.
void Redaction::learn_token_file(const std::string& path) {
    std::istringstream lines(read(path));
    for (std::string line; std::getline(lines, line);) {
        const TokenLine words = read_token_line(line);
        learn_value(words.token.empty() ? words.name : words.token);
        learn_value(words.more);
    }
}

// Its parts, too: messages quote a path or a login without the rest.
void Redaction::learn_url(const std::string& url, UrlParts parts) {
    constexpr std::size_t part_bytes_min = 8;  // "services", "hooks": shorter ones are words of everybody.
    const auto scheme = url.find("://");
    if (scheme == std::string::npos) return;
    const std::string rest = url.substr(scheme + 3);
    const auto query = std::min(rest.find('?'), rest.size());
    const auto at = rest.rfind('@', query);
    const std::size_t host = at == std::string::npos ? 0 : at + 1;
    const auto path = std::min(rest.find('/', host), query);
    const auto learn_parts = [&](const std::string& text, const char* between, std::size_t bytes_min) {
        for (std::size_t from = 0; from < text.size();) {
            const auto end = std::min(text.find_first_of(between, from), text.size());
            if (end - from >= bytes_min) learn_value(text.substr(from, end - from));
            from = end + 1;
        }
    };
    if (host > 0) {
        const std::string login = rest.substr(0, host - 1);
        if (const auto colon = login.find(':'); colon != std::string::npos)
            learn_value(login.substr(colon + 1));
        else
            learn_parts(login, ":", part_bytes_min);
    }
    learn_parts(rest.substr(query), "?&=", part_bytes_min);
    if (parts == UrlParts::path_too) learn_parts(rest.substr(path, query - path), "/", part_bytes_min + 1);
}

void Redaction::learn_value(const std::string& value) {
    const auto end = value.find_last_not_of(" \t\r\n");
    const std::string trimmed = end == std::string::npos ? "" : value.substr(0, end + 1);
    if (trimmed.size() >= secret_bytes_min && std::ranges::find(secrets_, trimmed) == secrets_.end())
        secrets_.push_back(trimmed);
}

std::string Redaction::clean(const std::string& text) const {
    constexpr std::size_t line_bytes_max = 64 * 1024;
    std::string out;
    out.reserve(text.size());
    std::istringstream in(text);
    bool in_key = false;
    for (std::string line; std::getline(in, line);) {
        const bool of_key = line.find("KEY-----") != std::string::npos;
        const bool begins = of_key && line.find("-----BEGIN") != std::string::npos;
        const bool ends = of_key && line.find("-----END") != std::string::npos;
        if (ends && !in_key) out.clear();  // Cut in two: what came before may be the key.
        if (ends || (begins && !in_key)) out += std::string(hidden) + "\n";
        in_key = (in_key || begins) && !ends;
        if (in_key || ends) continue;
        if (line.size() > line_bytes_max) line = line.substr(0, line_bytes_max) + " [cut]";
        out += redact(strike(std::move(line)), line_bytes_max * 2) + "\n";
    }
    return out;
}

std::string Redaction::strike(std::string text) const {
    for (const std::string& secret : secrets_) replace_all(text, secret);
    return text;
}

std::string Redaction::clean_json(const std::string& text, int indent) const {
    const auto clean_string = [&](const std::string& value) {
        std::string cleaned = clean(value);
        if (!value.ends_with('\n') && cleaned.ends_with('\n')) cleaned.pop_back();
        return cleaned;
    };
    const std::function<Json(const Json&)> cleaned = [&](const Json& value) -> Json {
        if (value.is_string()) return clean_string(value.get<std::string>());
        if (value.is_array()) {
            Json list = Json::array();
            for (const Json& one : value) list.push_back(cleaned(one));
            return list;
        }
        if (!value.is_object()) return value;
        Json object = Json::object();
        for (const auto& [key, one] : value.items())
            object[clean_string(key)] = one.is_string() && names_a_secret(key) ? Json(hidden) : cleaned(one);
        return object;
    };
    const Json value = foreign_json(text);
    if (value.is_discarded()) return "";
    return cleaned(value).dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::string> config_without_secrets(const std::string& path, std::vector<Withheld>& withheld) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return fail(ErrorCode::unavailable, "{}: can't be read", path);
    const std::string text(std::istreambuf_iterator<char>(in), {});
    MEDIC_TRY(const YamlNode node, load_yaml(text, path, {}));
    Writer writer(withheld);
    writer.write(node, "", 0);
    return writer.out;
}

}  // namespace medic::bundle
