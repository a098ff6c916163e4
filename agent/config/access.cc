#include "agent/config/access_internal.h"
#include "agent/config/config.h"

namespace medic {

using config_table::Section;

SecretSource AccessLoader::secret(Section& section, const std::string& name) {
    SecretSource source{path(section.text(name + "_file")), section.text(name + "_env"),
                        section.texts(name + "_command")};
    const int given =
        (source.file.empty() ? 0 : 1) + (source.environment.empty() ? 0 : 1) + (source.command.empty() ? 0 : 1);
    if (given > 1)
        section.refuse(section.node(name + (source.file.empty() ? "_env" : "_file")),
                       "give only one of `" + name + "_file`, `" + name + "_env` and `" + name + "_command`");
    return source;
}

TlsFiles AccessLoader::tls(const YamlNode& node) {
    Section section(node, "tls", status);
    TlsFiles files{path(section.text("ca")), path(section.text("certificate")), path(section.text("key")),
                   section.boolean("check_hostname")};
    if (files.certificate.empty() != files.key.empty())
        section.refuse(node, "tls: `certificate` and `key` go together");
    return files;
}

HttpAccess AccessLoader::http(Section& endpoint) {
    HttpAccess given;
    if (endpoint.has("auth")) {
        Section section(endpoint.node("auth"), "auth", status);
        given.auth = {section.text("username"), secret(section, "password"), secret(section, "bearer")};
        const bool basic = !given.auth.username.empty();
        if (basic == given.auth.bearer.given() || basic != given.auth.password.given())
            section.refuse(endpoint.node("auth"),
                           "auth: expected `username` with `password_file` (or _env, _command), or `bearer_file` (or "
                           "_env, _command)");
    }
    if (endpoint.has("tls")) given.tls = tls(endpoint.node("tls"));
    return given;
}

SaslLoginOptions AccessLoader::login(Section& sasl, const YamlNode& node) {
    SaslLoginOptions options{.mechanism = sasl.text("mechanism"),
                             .username = sasl.text("username"),
                             .password = secret(sasl, "password"),
                             .token = secret(sasl, "token"),
                             .extensions = {}};
    if (sasl.has("extensions"))
        for (const auto& [name, value] : sasl.node("extensions").entries()) {
            const auto text = value.as_string();
            if (!text) sasl.refuse(value, "sasl: expected a text as the extension `" + name + "`");
            options.extensions[name] = text.value_or("");
        }
    if (options.mechanism == "OAUTHBEARER") {
        if (!options.token.given() || options.password.given() || !options.username.empty())
            sasl.refuse(node,
                        "sasl: OAUTHBEARER takes `token_file`, `token_env` or `token_command` (never the token "
                        "itself), and neither user nor password");
        return options;
    }
    if (options.token.given() || !options.extensions.empty())
        sasl.refuse(node, "sasl: a token and `extensions` are for OAUTHBEARER");
    if (options.username.empty()) sasl.refuse(node, "sasl: `username` is missing");
    if (!options.password.given())
        sasl.refuse(node,
                    "sasl: give `password_file`, `password_env` or `password_command` (never the password "
                    "itself)");
    return options;
}

KafkaSecurity AccessLoader::security(Section& kafka, std::string_view sasl_section) {
    KafkaSecurity security;
    if (kafka.has("tls")) security.tls = tls(kafka.node("tls"));
    if (kafka.has("sasl")) {
        Section sasl(kafka.node("sasl"), sasl_section, status);
        security.sasl = login(sasl, kafka.node("sasl"));
    }
    return security;
}

Result<AccessFile> load_access_file(const std::string& path) {
    MEDIC_TRY(const YamlNode document, load_yaml_file(path));
    AccessLoader loader{.folder = std::filesystem::absolute(path).parent_path(), .status = {}};
    Section top(document, "--access FILE", loader.status);
    AccessFile access;
    if (top.has("kafka")) {
        Section kafka(top.node("kafka"), "--access FILE: kafka", loader.status);
        access.kafka = loader.security(kafka, "clusters.NAME.kafka.sasl");
    }
    const auto read = [&](std::string_view name, HttpAccess& into) {
        if (!top.has(name)) return;
        Section endpoint(top.node(name), "--access FILE: connect, flink, prometheus", loader.status);
        into = loader.http(endpoint);
    };
    read("connect", access.connect);
    read("flink", access.flink);
    read("prometheus", access.prometheus);
    MEDIC_CHECK(loader.status);
    return access;
}

}  // namespace medic
