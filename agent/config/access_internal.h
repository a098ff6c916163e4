// How doors are opened, read from a file: the keys `tls`, `auth` and `sasl`, which mean the same wherever they stand.
// Only for .cc files of agent/config.
#pragma once

#include <filesystem>
#include <string>

#include "agent/base/access.h"
#include "agent/config/table_internal.h"

namespace medic {

// The first error wins and ends up in `status`.
struct AccessLoader {
    std::filesystem::path folder;  // What relative paths are relative to.
    Status status;

    [[nodiscard]] std::string path(const std::string& text) const {
        if (text.empty() || text.find("://") != std::string::npos) return text;
        return (folder / text).lexically_normal().string();
    }
    SecretSource secret(config_table::Section& section, const std::string& name);
    TlsFiles tls(const YamlNode& node);
    // `tls` and `auth` of the endpoint.
    HttpAccess http(config_table::Section& endpoint);
    // `node`: the section itself, for what is said of all of it.
    SaslLoginOptions login(config_table::Section& sasl, const YamlNode& node);
    // `tls` and `sasl`; `sasl_section`: the latter's name in the table.
    KafkaSecurity security(config_table::Section& kafka, std::string_view sasl_section);
};

}  // namespace medic
