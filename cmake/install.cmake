# What `cmake --install` puts where, and the packages that are made from it (`make package`: a tarball and a .deb).
# Rules are compiled in; the jobs of the embedded platform stand in lib/streammedic/jobs.
include(GNUInstallDirs)

# /usr has its configuration in /etc; any other prefix keeps everything below itself.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(MEDIC_ETC /etc/streammedic)
  set(etc ${MEDIC_ETC})
else()
  set(MEDIC_ETC ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_SYSCONFDIR}/streammedic)
  set(etc ${CMAKE_INSTALL_SYSCONFDIR}/streammedic)
endif()
set(MEDIC_BINDIR ${CMAKE_INSTALL_FULL_BINDIR})
set(made ${CMAKE_BINARY_DIR}/packaging)

# The manual page and completions come from the command line itself.
set(pages ${made}/medic.1.gz ${made}/medic.bash ${made}/_medic ${made}/medic.fish)
add_custom_command(OUTPUT ${pages} DEPENDS medic ${CMAKE_SOURCE_DIR}/cmake/pages.cmake
                   COMMAND ${CMAKE_COMMAND} -DMEDIC=$<TARGET_FILE:medic> -DOUT=${made} -P ${CMAKE_SOURCE_DIR}/cmake/pages.cmake
                   COMMENT "Manual page and completions" VERBATIM)
add_custom_target(pages ALL DEPENDS ${pages})

# Two units with the same bounds: the agent that watches clusters, and the sidecar beside a host's nodes.
function(medic_unit UNIT UNIT_DESCRIPTION UNIT_ARGUMENTS)
  configure_file(${CMAKE_SOURCE_DIR}/packaging/streammedic.service.in ${made}/${UNIT}.service @ONLY)
  install(FILES ${made}/${UNIT}.service DESTINATION lib/systemd/system)
endfunction()
medic_unit(streammedic "Streammedic: keeps Kafka, Kafka Connect and Flink healthy"
           "--config ${MEDIC_ETC}/medic.yaml --policy ${MEDIC_ETC}/policy.yaml")
medic_unit(streammedic-node "Streammedic's sidecar: looks at the nodes of this host and handles them when asked"
           "--config ${MEDIC_ETC}/node.yaml")

# All that is installed, for whoever builds no more than that: `cmake --install` and cpack build nothing themselves.
set(jobs fleet_monitor_v1 fleet_monitor_v2 fleet_monitor_v3)
add_custom_target(shipped DEPENDS medic medic-engine ${jobs} pages)

install(TARGETS medic medic-engine RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${jobs} LIBRARY DESTINATION lib/streammedic/jobs)
install(FILES ${made}/medic.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/medic.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME medic)
install(FILES ${made}/_medic DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${made}/medic.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES packaging/streammedic.rules.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/streammedic/prometheus)
install(FILES packaging/medic.yaml packaging/node.yaml packaging/policy.yaml DESTINATION ${etc})
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/streammedic)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/streammedic/docs FILES_MATCHING PATTERN "*.md")

set(CPACK_GENERATOR TGZ DEB)
set(CPACK_PACKAGE_NAME streammedic)
set(CPACK_PACKAGE_CONTACT "Streammedic maintainers <maintainers@streammedic.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION "An agent that watches Apache Kafka, Kafka Connect and Apache Flink, finds\nthe root cause of a fault, says whether user code or the system is to blame\nand who must act, and heals what a policy lets it. Without a policy it only\nreads.")
set(CPACK_PACKAGE_FILE_NAME streammedic-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
set(CPACK_SET_DESTDIR ON)  # Absolute folders (/etc) land inside the package.
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "prometheus-alertmanager, prometheus")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
file(WRITE ${made}/conffiles "/etc/streammedic/medic.yaml\n/etc/streammedic/node.yaml\n/etc/streammedic/policy.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${made}/conffiles
    ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
    ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
    ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
include(CPack)
