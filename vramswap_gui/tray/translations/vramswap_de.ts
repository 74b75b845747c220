<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>helper</name>
    <message>
        <source>A game is running and has all of the VRAM.</source>
        <translation>Ein Spiel läuft und hat den gesamten VRAM.</translation>
    </message>
    <message>
        <source>A size of {0} is not possible.</source>
        <translation>Eine Größe von {0} ist nicht möglich.</translation>
    </message>
    <message>
        <source>Add psi=1 to the kernel&apos;s command line, or use a kernel that has CONFIG_PSI.</source>
        <translation>Ergänzen Sie die Befehlszeile des Kernels um psi=1 oder verwenden Sie einen Kernel mit CONFIG_PSI.</translation>
    </message>
    <message>
        <source>Another vramswap-helper runs already.</source>
        <translation>Ein anderer vramswap-helper läuft bereits.</translation>
    </message>
    <message>
        <source>Ask an administrator of this machine.</source>
        <translation>Wenden Sie sich an einen Systemverwalter dieses Computers.</translation>
    </message>
    <message>
        <source>Before sleep</source>
        <translation>Vor der Bereitschaft</translation>
    </message>
    <message>
        <source>Bringing pages home.</source>
        <translation>Seiten werden zurückgeholt.</translation>
    </message>
    <message>
        <source>CUDA driver library</source>
        <translation>CUDA-Treiberbibliothek</translation>
    </message>
    <message>
        <source>CUDA failed in {0}: {1}.</source>
        <translation>CUDA ist in {0} fehlgeschlagen: {1}.</translation>
    </message>
    <message>
        <source>CUDA failed while {0}: {1}.</source>
        <translation>CUDA ist beim {0} fehlgeschlagen: {1}.</translation>
    </message>
    <message>
        <source>Changing the size.</source>
        <translation>Größe wird geändert.</translation>
    </message>
    <message>
        <source>Check that the dGPU is switched on in the firmware and not hidden by a graphics switcher.</source>
        <translation>Prüfen Sie, ob die dedizierte GPU in der Firmware eingeschaltet ist und nicht von einem Grafikumschalter verborgen wird.</translation>
    </message>
    <message>
        <source>Check the file system; the old settings are in force.</source>
        <translation>Prüfen Sie das Dateisystem; die bisherigen Einstellungen gelten weiter.</translation>
    </message>
    <message>
        <source>Choose a smaller size or close programs that use the GPU.</source>
        <translation>Wählen Sie eine kleinere Größe oder schließen Sie Programme, die die GPU verwenden.</translation>
    </message>
    <message>
        <source>Choose a smaller size, or have an administrator raise the setting “maximum”.</source>
        <translation>Wählen Sie eine kleinere Größe oder lassen Sie einen Systemverwalter die Einstellung „maximum“ erhöhen.</translation>
    </message>
    <message>
        <source>Choose another one, or have NVIDIA&apos;s driver take it.</source>
        <translation>Wählen Sie eine andere, oder geben Sie sie NVIDIAs Treiber.</translation>
    </message>
    <message>
        <source>Choose at most {0}, or lower the setting “headroom”.</source>
        <translation>Wählen Sie höchstens {0} oder verringern Sie die Einstellung „headroom“.</translation>
    </message>
    <message>
        <source>Close programs that asked for {0} or more, or raise the limit for a while: `sudo sysctl vm.overcommit_ratio=95`. Nothing was changed.</source>
        <translation>Schließen Sie Programme, die zusammen mindestens {0} angefordert haben, oder heben Sie die Grenze für eine Weile an: `sudo sysctl vm.overcommit_ratio=95`. Es wurde nichts geändert.</translation>
    </message>
    <message>
        <source>Close programs that use the GPU, or lower the setting “headroom”.</source>
        <translation>Schließen Sie Programme, die die GPU verwenden, oder verringern Sie die Einstellung „headroom“.</translation>
    </message>
    <message>
        <source>Close programs that use {0} or more, then try again. Nothing was changed.</source>
        <translation>Schließen Sie Programme, die zusammen mindestens {0} belegen, und versuchen Sie es dann erneut. Es wurde nichts geändert.</translation>
    </message>
    <message>
        <source>Different versions are running: log out and in again.</source>
        <translation>Es laufen verschiedene Versionen: Melden Sie sich ab und wieder an.</translation>
    </message>
    <message>
        <source>Enable it: `{0}sudo systemctl enable {1}`</source>
        <translation>Aktivieren Sie die Unit: `{0}sudo systemctl enable {1}`</translation>
    </message>
    <message>
        <source>Enable what it needs: `sudo systemctl enable {0}`</source>
        <translation>Aktivieren Sie, was der Treiber benötigt: `sudo systemctl enable {0}`</translation>
    </message>
    <message>
        <source>End some of them.</source>
        <translation>Beenden Sie einige davon.</translation>
    </message>
    <message>
        <source>For VRAM first: `echo N | sudo tee /sys/module/zswap/parameters/enabled`</source>
        <translation>Damit VRAM zuerst verwendet wird: `echo N | sudo tee /sys/module/zswap/parameters/enabled`</translation>
    </message>
    <message>
        <source>GPUs found: {0}; a UUID also works.</source>
        <translation>Gefundene GPUs: {0}; auch eine UUID ist möglich.</translation>
    </message>
    <message>
        <source>Have NVIDIA&apos;s take it: `echo {0} | sudo tee /sys/bus/pci/drivers/nvidia/bind`.</source>
        <translation>Geben Sie sie NVIDIAs Treiber: `echo {0} | sudo tee /sys/bus/pci/drivers/nvidia/bind`.</translation>
    </message>
    <message>
        <source>Helper</source>
        <translation>Hilfsdienst</translation>
    </message>
    <message>
        <source>If it is installed, enrol the key that signed it: `sudo mokutil --import /var/lib/dkms/mok.pub`</source>
        <translation>Falls der Treiber installiert ist, registrieren Sie den Schlüssel, mit dem er signiert wurde: `sudo mokutil --import /var/lib/dkms/mok.pub`</translation>
    </message>
    <message>
        <source>Install NVIDIA driver 525 or newer.</source>
        <translation>Installieren Sie den NVIDIA-Treiber ab Version&#xa0;525.</translation>
    </message>
    <message>
        <source>Install NVIDIA&apos;s driver 525 or later (package nvidia-driver) and restart.</source>
        <translation>Installieren Sie den NVIDIA-Treiber ab Version&#xa0;525 (Paket nvidia-driver) und starten Sie den Computer neu.</translation>
    </message>
    <message>
        <source>Install NVIDIA&apos;s driver and restart.</source>
        <translation>Installieren Sie NVIDIAs Treiber und starten Sie neu.</translation>
    </message>
    <message>
        <source>Install and start it (package polkitd, `systemctl start polkit`).</source>
        <translation>Installieren und starten Sie es (Paket polkitd, `systemctl start polkit`).</translation>
    </message>
    <message>
        <source>Install libcuda1.</source>
        <translation>Installieren Sie libcuda1.</translation>
    </message>
    <message>
        <source>Install polkitd (policykit-1 on older systems).</source>
        <translation>Installieren Sie polkitd (auf älteren Systemen policykit-1).</translation>
    </message>
    <message>
        <source>Install the driver&apos;s units (package nvidia-suspend-common on Debian).</source>
        <translation>Installieren Sie die Units des Treibers (unter Debian das Paket nvidia-suspend-common).</translation>
    </message>
    <message>
        <source>Install the package with your kernel&apos;s extra modules, or a kernel that has CONFIG_BLK_DEV_NBD.</source>
        <translation>Installieren Sie das Paket mit den Zusatzmodulen Ihres Kernels oder einen Kernel mit CONFIG_BLK_DEV_NBD.</translation>
    </message>
    <message>
        <source>Install the package with your kernel&apos;s extra modules, or boot a kernel that has CONFIG_BLK_DEV_NBD.</source>
        <translation>Installieren Sie das Paket mit den Zusatzmodulen Ihres Kernels oder starten Sie einen Kernel mit CONFIG_BLK_DEV_NBD.</translation>
    </message>
    <message>
        <source>Install util-linux and kmod.</source>
        <translation>Installieren Sie util-linux und kmod.</translation>
    </message>
    <message>
        <source>Install your distribution&apos;s NVIDIA driver package (Debian: nvidia-driver libcuda1).</source>
        <translation>Installieren Sie das NVIDIA-Treiberpaket Ihrer Distribution (Debian: nvidia-driver libcuda1).</translation>
    </message>
    <message>
        <source>It is back with the bus; see `systemctl status dbus`.</source>
        <translation>Er kommt mit dem Bus zurück; siehe `systemctl status dbus`.</translation>
    </message>
    <message>
        <source>It must be a positive multiple of {0}.</source>
        <translation>Sie muss ein positives Vielfaches von {0} sein.</translation>
    </message>
    <message>
        <source>It was cancelled; what had not come home stays in VRAM.</source>
        <translation>Der Vorgang wurde abgebrochen; was noch nicht zurückgeholt war, bleibt im VRAM.</translation>
    </message>
    <message>
        <source>Kernel module nbd</source>
        <translation>Kernelmodul nbd</translation>
    </message>
    <message>
        <source>Known settings: {0}.</source>
        <translation>Bekannte Einstellungen: {0}.</translation>
    </message>
    <message>
        <source>Look for NVRM or Xid lines in `dmesg`, then try again.</source>
        <translation>Suchen Sie in `dmesg` nach Zeilen mit NVRM oder Xid und versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>Look for NVRM or Xid lines in `dmesg`.</source>
        <translation>Suchen Sie in `dmesg` nach Zeilen mit NVRM oder Xid.</translation>
    </message>
    <message>
        <source>Make {0} a folder that you may write to.</source>
        <translation>Machen Sie {0} zu einem Ordner, in den Sie schreiben dürfen.</translation>
    </message>
    <message>
        <source>Memory is not short.</source>
        <translation>Der Arbeitsspeicher ist nicht knapp.</translation>
    </message>
    <message>
        <source>Memory is plentiful.</source>
        <translation>Es ist reichlich Arbeitsspeicher frei.</translation>
    </message>
    <message>
        <source>Memory is short, but {0}.</source>
        <translation>Der Arbeitsspeicher ist knapp, aber {0}.</translation>
    </message>
    <message>
        <source>Memory pressure</source>
        <translation>Speicherdruck</translation>
    </message>
    <message>
        <source>Mend the file, or remove it to go back to the defaults.</source>
        <translation>Korrigieren Sie die Datei oder löschen Sie sie, um zu den Vorgaben zurückzukehren.</translation>
    </message>
    <message>
        <source>NVIDIA GPU</source>
        <translation>NVIDIA-GPU</translation>
    </message>
    <message>
        <source>NVIDIA driver</source>
        <translation>NVIDIA-Treiber</translation>
    </message>
    <message>
        <source>Not charging</source>
        <translation>Lädt nicht</translation>
    </message>
    <message>
        <source>Nothing can be lent: {0}.</source>
        <translation>Es kann nichts verliehen werden – {0}.</translation>
    </message>
    <message>
        <source>Nothing needs to be done.</source>
        <translation>Es ist nichts zu tun.</translation>
    </message>
    <message>
        <source>Nothing was changed; try again.</source>
        <translation>Es wurde nichts geändert; versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>Nothing was lost.</source>
        <translation>Es ist nichts verloren gegangen.</translation>
    </message>
    <message>
        <source>Off on battery.</source>
        <translation>Im Akkubetrieb ausgeschaltet.</translation>
    </message>
    <message>
        <source>Off while the machine sleeps.</source>
        <translation>Ausgeschaltet, solange der Computer in Bereitschaft ist.</translation>
    </message>
    <message>
        <source>Off.</source>
        <translation>Aus.</translation>
    </message>
    <message>
        <source>Only {0} of VRAM are free, of which {1} are not to be lent.</source>
        <translation>Nur {0} VRAM sind frei, von denen {1} nicht verliehen werden sollen.</translation>
    </message>
    <message>
        <source>Other swap</source>
        <translation>Andere Swap-Bereiche</translation>
    </message>
    <message>
        <source>Please report it, with `journalctl -b`.</source>
        <translation>Bitte melden Sie das, mit `journalctl -b`.</translation>
    </message>
    <message>
        <source>Please report it.</source>
        <translation>Bitte melden Sie diesen Fehler.</translation>
    </message>
    <message>
        <source>Programs</source>
        <translation>Programme</translation>
    </message>
    <message>
        <source>Remove one first.</source>
        <translation>Entfernen Sie zuerst eines.</translation>
    </message>
    <message>
        <source>Remove them first, swap before device.</source>
        <translation>Entfernen Sie diese zuerst, den Swap vor dem Gerät.</translation>
    </message>
    <message>
        <source>Reserving VRAM.</source>
        <translation>VRAM wird reserviert.</translation>
    </message>
    <message>
        <source>Restart the computer.</source>
        <translation>Starten Sie den Computer neu.</translation>
    </message>
    <message>
        <source>Run `modprobe nbd` as root; if that fails, install the kernel&apos;s extra modules package.</source>
        <translation>Führen Sie `modprobe nbd` als root aus; falls das fehlschlägt, installieren Sie das Paket mit den Zusatzmodulen des Kernels.</translation>
    </message>
    <message>
        <source>Run `swapoff {0}` first.</source>
        <translation>Führen Sie zuerst `swapoff {0}` aus.</translation>
    </message>
    <message>
        <source>Secure Boot</source>
        <translation>Secure Boot</translation>
    </message>
    <message>
        <source>See `dmesg` for the kernel&apos;s reason. Nothing was lost; try again.</source>
        <translation>Den Grund des Kernels nennt `dmesg`. Es ist nichts verloren gegangen; versuchen Sie es erneut.</translation>
    </message>
    <message>
        <source>See `journalctl -b -u vramswap-server`, without systemd /run/vramswap/server.log, and `dmesg`.</source>
        <translation>Siehe `journalctl -b -u vramswap-server`, ohne systemd /run/vramswap/server.log, sowie `dmesg`.</translation>
    </message>
    <message>
        <source>See `journalctl -u vramswap-server`.</source>
        <translation>Siehe `journalctl -u vramswap-server`.</translation>
    </message>
    <message>
        <source>See `nvidia-smi` and the kernel&apos;s log (`dmesg`).</source>
        <translation>Siehe `nvidia-smi` und das Protokoll des Kernels (`dmesg`).</translation>
    </message>
    <message>
        <source>See `systemctl status vramswap-helper`.</source>
        <translation>Siehe `systemctl status vramswap-helper`.</translation>
    </message>
    <message>
        <source>See `systemctl status vramswap-helper`; if it is not installed, install vramswap&apos;s system files.</source>
        <translation>Siehe `systemctl status vramswap-helper`; falls er nicht installiert ist, installieren Sie die Systemdateien von vramswap.</translation>
    </message>
    <message>
        <source>See `vramswapctl config {0}` for what it takes.</source>
        <translation>Was möglich ist, sagt `vramswapctl config {0}`.</translation>
    </message>
    <message>
        <source>See `vramswapctl doctor`.</source>
        <translation>Siehe `vramswapctl doctor`.</translation>
    </message>
    <message>
        <source>See the last lines of `dmesg`.</source>
        <translation>Siehe die letzten Zeilen von `dmesg`.</translation>
    </message>
    <message>
        <source>Setting a memory pressure trigger takes more privileges than this process has.</source>
        <translation>Ein Auslöser für Speicherdruck erfordert mehr Rechte, als dieser Prozess hat.</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Sleep of the driver</source>
        <translation>Bereitschaft des Treibers</translation>
    </message>
    <message>
        <source>Somebody turned it off with swapoff.</source>
        <translation>Jemand hat ihn mit swapoff ausgeschaltet.</translation>
    </message>
    <message>
        <source>Somebody turned it off with swapoff; it comes back when memory is short.</source>
        <translation>Jemand hat ihn mit swapoff ausgeschaltet; er kommt wieder, wenn der Speicher knapp wird.</translation>
    </message>
    <message>
        <source>Start it as root with CAP_IPC_LOCK and CAP_SYS_RESOURCE.</source>
        <translation>Starten Sie ihn als root mit CAP_IPC_LOCK und CAP_SYS_RESOURCE.</translation>
    </message>
    <message>
        <source>Start one with your session, such as lxpolkit or polkit-gnome. Until then: `sudo vramswapctl config`</source>
        <translation>Starten Sie eines mit Ihrer Sitzung, etwa lxpolkit oder polkit-gnome. Bis dahin: `sudo vramswapctl config`</translation>
    </message>
    <message>
        <source>Swap areas</source>
        <translation>Swap-Bereiche</translation>
    </message>
    <message>
        <source>Switch MIG off (`sudo nvidia-smi -mig 0`).</source>
        <translation>Schalten Sie MIG aus (`sudo nvidia-smi -mig 0`).</translation>
    </message>
    <message>
        <source>Switch MIG off: `sudo nvidia-smi -mig 0`.</source>
        <translation>Schalten Sie MIG aus: `sudo nvidia-smi -mig 0`.</translation>
    </message>
    <message>
        <source>Switch it on and restart: `echo 0 | sudo tee /{0}`</source>
        <translation>Schalten Sie sie ein und starten Sie neu: `echo 0 | sudo tee /{0}`</translation>
    </message>
    <message>
        <source>Switch it on: `echo ON | sudo tee /proc/acpi/bbswitch`</source>
        <translation>Schalten Sie sie ein: `echo ON | sudo tee /proc/acpi/bbswitch`</translation>
    </message>
    <message>
        <source>The GPU does not answer ({0}).</source>
        <translation>Die GPU antwortet nicht ({0}).</translation>
    </message>
    <message>
        <source>The GPU fails whoever uses it.</source>
        <translation>Die GPU versagt, ganz gleich, wer sie verwendet.</translation>
    </message>
    <message>
        <source>The GPU has too little free memory ({0}).</source>
        <translation>Die GPU hat zu wenig freien Speicher (beim {0}).</translation>
    </message>
    <message>
        <source>The GPU is gone, and what was in its memory is lost.</source>
        <translation>Die GPU ist nicht mehr da; was in ihrem Speicher war, ist verloren.</translation>
    </message>
    <message>
        <source>The GPU {0} ({1}) has no memory of its own: what it lends is the computer&apos;s.</source>
        <translation>Die GPU {0} ({1}) hat keinen eigenen Speicher: Was sie verleiht, ist der des Computers.</translation>
    </message>
    <message>
        <source>The GPU {0} belongs to the driver {1}, which has no CUDA.</source>
        <translation>Die GPU {0} gehört dem Treiber {1}, der kein CUDA hat.</translation>
    </message>
    <message>
        <source>The GPU {0} has no driver.</source>
        <translation>Die GPU {0} hat keinen Treiber.</translation>
    </message>
    <message>
        <source>The GPU {0} is divided into MIG slices, whose VRAM cannot be lent.</source>
        <translation>Die GPU {0} ist in MIG-Scheiben geteilt, deren VRAM nicht verliehen werden kann.</translation>
    </message>
    <message>
        <source>The GPU {0} is kept for virtual machines (driver {1}).</source>
        <translation>Die GPU {0} ist für virtuelle Maschinen reserviert (Treiber {1}).</translation>
    </message>
    <message>
        <source>The NVIDIA driver does not answer ({0}).</source>
        <translation>Der NVIDIA-Treiber antwortet nicht ({0}).</translation>
    </message>
    <message>
        <source>The NVIDIA driver finds no GPU.</source>
        <translation>Der NVIDIA-Treiber findet keine GPU.</translation>
    </message>
    <message>
        <source>The NVIDIA driver is not installed: libcuda.so.1 cannot be loaded.</source>
        <translation>Der NVIDIA-Treiber ist nicht installiert: libcuda.so.1 kann nicht geladen werden.</translation>
    </message>
    <message>
        <source>The NVIDIA driver supports CUDA {0}.{1}; 12.0 is needed.</source>
        <translation>Der NVIDIA-Treiber unterstützt CUDA {0}.{1}; benötigt wird 12.0.</translation>
    </message>
    <message>
        <source>The NVIDIA driver supports CUDA {0}; 12.0 is needed.</source>
        <translation>Der NVIDIA-Treiber unterstützt CUDA {0}; nötig ist 12.0.</translation>
    </message>
    <message>
        <source>The NVIDIA driver was updated, and the kernel still runs another version of it.</source>
        <translation>Der NVIDIA-Treiber wurde aktualisiert, im Kernel läuft aber noch eine andere Version.</translation>
    </message>
    <message>
        <source>The battery is at {0} %, below the floor of {1} %.</source>
        <translation>Der Akku ist bei {0}&#xa0;%, unter der Mindestladung von {1}&#xa0;%.</translation>
    </message>
    <message>
        <source>The battery is at {0} %, less than {1} % above the floor of {2} %.</source>
        <translation>Der Akku ist bei {0}&#xa0;%, weniger als {1}&#xa0;% über der Mindestladung von {2}&#xa0;%.</translation>
    </message>
    <message>
        <source>The bus cannot be used: {0}.</source>
        <translation>Der Bus kann nicht verwendet werden: {0}.</translation>
    </message>
    <message>
        <source>The bus is gone.</source>
        <translation>Der Bus ist nicht mehr da.</translation>
    </message>
    <message>
        <source>The engine died before the upgrade.</source>
        <translation>Die Engine ist vor der Aktualisierung abgestürzt.</translation>
    </message>
    <message>
        <source>The engine died while a device was attached.</source>
        <translation>Die Engine ist beim Anschließen eines Geräts abgestürzt.</translation>
    </message>
    <message>
        <source>The engine died while it allocated VRAM.</source>
        <translation>Die Engine ist beim Belegen von VRAM abgestürzt.</translation>
    </message>
    <message>
        <source>The engine died while it opened the GPU.</source>
        <translation>Die Engine ist beim Öffnen der GPU abgestürzt.</translation>
    </message>
    <message>
        <source>The engine stopped: {0}.</source>
        <translation>Die Engine ist ausgefallen: {0}.</translation>
    </message>
    <message>
        <source>The helper answered in a way that is not known here.</source>
        <translation>Der Hilfsdienst hat in unbekannter Weise geantwortet.</translation>
    </message>
    <message>
        <source>The helper comes back with it.</source>
        <translation>Der Hilfsdienst kommt mit ihm zurück.</translation>
    </message>
    <message>
        <source>The helper does not say why.</source>
        <translation>Der Hilfsdienst nennt keinen Grund.</translation>
    </message>
    <message>
        <source>The helper of vramswap does not answer: it hangs.</source>
        <translation>Der Hilfsdienst von vramswap antwortet nicht: Er hängt.</translation>
    </message>
    <message>
        <source>The helper of vramswap does not answer: {0}.</source>
        <translation>Der Hilfsdienst von vramswap antwortet nicht: {0}.</translation>
    </message>
    <message>
        <source>The helper of vramswap ended before the work was done.</source>
        <translation>Der Hilfsdienst von vramswap hat sich vor Abschluss der Arbeit beendet.</translation>
    </message>
    <message>
        <source>The helper of vramswap ended.</source>
        <translation>Der Hilfsdienst von vramswap hat sich beendet.</translation>
    </message>
    <message>
        <source>The helper of vramswap is not installed, or cannot be started.</source>
        <translation>Der Hilfsdienst von vramswap ist nicht installiert oder nicht startbar.</translation>
    </message>
    <message>
        <source>The kernel (vm.overcommit_memory=2) lets programs ask for {0} in all, {1} of which are this swap; {2} are promised, so it cannot go.</source>
        <translation>Der Kernel (vm.overcommit_memory=2) lässt Programme zusammen {0} anfordern, wovon {1} dieser Swap sind; zugesagt sind {2}, also kann er nicht weg.</translation>
    </message>
    <message>
        <source>The kernel does not let go of connections of /dev/nbd{0}.</source>
        <translation>Der Kernel gibt Verbindungen von /dev/nbd{0} nicht frei.</translation>
    </message>
    <message>
        <source>The kernel does not let go of connections of {0}.</source>
        <translation>Der Kernel gibt Verbindungen von {0} nicht frei.</translation>
    </message>
    <message>
        <source>The kernel refused the memory pressure trigger ({0}).</source>
        <translation>Der Kernel hat den Auslöser für Speicherdruck verweigert ({0}).</translation>
    </message>
    <message>
        <source>The kernel refused to {0} {1}: {2}.</source>
        <translation>Der Kernel hat den Befehl {0} für {1} verweigert: {2}.</translation>
    </message>
    <message>
        <source>The kernel refused to {0}: {1}.</source>
        <translation>Der Kernel hat das {0} verweigert: {1}.</translation>
    </message>
    <message>
        <source>The kernel takes no more swap: {0} are in use, and there is room for some {1}.</source>
        <translation>Der Kernel nimmt keinen Swap mehr an: {0} sind in Gebrauch, und Platz ist für etwa {1}.</translation>
    </message>
    <message>
        <source>The kernel&apos;s NBD driver is not loaded.</source>
        <translation>Der NBD-Treiber des Kernels ist nicht geladen.</translation>
    </message>
    <message>
        <source>The kernel&apos;s memory pressure file cannot be watched.</source>
        <translation>Die Speicherdruck-Datei des Kernels kann nicht überwacht werden.</translation>
    </message>
    <message>
        <source>The kernel&apos;s nbd module cannot be loaded ({0}).</source>
        <translation>Das Kernelmodul nbd kann nicht geladen werden ({0}).</translation>
    </message>
    <message>
        <source>The kernel&apos;s own choice is 60: `sudo sysctl vm.swappiness=60`</source>
        <translation>Die Vorgabe des Kernels ist 60: `sudo sysctl vm.swappiness=60`</translation>
    </message>
    <message>
        <source>The machine is going to sleep.</source>
        <translation>Der Computer geht in Bereitschaft.</translation>
    </message>
    <message>
        <source>The password was not given, or was not the right one.</source>
        <translation>Das Passwort wurde nicht oder nicht richtig eingegeben.</translation>
    </message>
    <message>
        <source>The process that watches over the VRAM ended.</source>
        <translation>Der Prozess, der über den VRAM wacht, hat sich beendet.</translation>
    </message>
    <message>
        <source>The reason has no words in this version ({0}).</source>
        <translation>Der Grund hat in dieser Version keine Worte ({0}).</translation>
    </message>
    <message>
        <source>The server is changing something.</source>
        <translation>Der Server nimmt gerade eine Änderung vor.</translation>
    </message>
    <message>
        <source>The server is stopping.</source>
        <translation>Der Server wird beendet.</translation>
    </message>
    <message>
        <source>The server must not serve swap: {0} ({1}).</source>
        <translation>Der Server darf keinen Swap bereitstellen – {0} ({1}).</translation>
    </message>
    <message>
        <source>The server must run as root.</source>
        <translation>Der Server muss als root laufen.</translation>
    </message>
    <message>
        <source>The server that holds the VRAM does not answer.</source>
        <translation>Der Server, der das VRAM hält, antwortet nicht.</translation>
    </message>
    <message>
        <source>The server that holds the VRAM ended.</source>
        <translation>Der Server, der das VRAM hält, hat sich beendet.</translation>
    </message>
    <message>
        <source>The server that holds the VRAM failed: {0}.</source>
        <translation>Der Server, der den VRAM hält, ist ausgefallen: {0}.</translation>
    </message>
    <message>
        <source>The server that holds the VRAM is not running.</source>
        <translation>Der Server, der das VRAM hält, läuft nicht.</translation>
    </message>
    <message>
        <source>The server that holds the VRAM was not started: {0}.</source>
        <translation>Der Server, der den VRAM hält, wurde nicht gestartet: {0}.</translation>
    </message>
    <message>
        <source>The system bus cannot be reached ({0}).</source>
        <translation>Der Systembus ist nicht erreichbar ({0}).</translation>
    </message>
    <message>
        <source>The system bus is gone, and the helper of vramswap with it.</source>
        <translation>Der Systembus ist nicht mehr da und mit ihm der Hilfsdienst von vramswap.</translation>
    </message>
    <message>
        <source>The tray failed: {0}: {1}.</source>
        <translation>Fehler der Anwendung im Infobereich – {0}: {1}.</translation>
    </message>
    <message>
        <source>There are {0} segments already.</source>
        <translation>Es gibt bereits {0} Segmente.</translation>
    </message>
    <message>
        <source>There is no NVIDIA GPU “{0}”.</source>
        <translation>Es gibt keine NVIDIA-GPU „{0}“.</translation>
    </message>
    <message>
        <source>There is no NVIDIA GPU.</source>
        <translation>Es gibt keine NVIDIA-GPU.</translation>
    </message>
    <message>
        <source>There is no connection to the helper of vramswap.</source>
        <translation>Es besteht keine Verbindung zum Hilfsdienst von vramswap.</translation>
    </message>
    <message>
        <source>There is no segment {0}.</source>
        <translation>Es gibt kein Segment {0}.</translation>
    </message>
    <message>
        <source>There is no setting “{0}”.</source>
        <translation>Es gibt keine Einstellung „{0}“.</translation>
    </message>
    <message>
        <source>This kernel does not measure memory pressure (CONFIG_PSI, or psi=1 on its command line).</source>
        <translation>Dieser Kernel misst keinen Speicherdruck (CONFIG_PSI oder psi=1 in seiner Befehlszeile).</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>Versuchen Sie es gleich noch einmal.</translation>
    </message>
    <message>
        <source>Try again when it has stopped.</source>
        <translation>Versuchen Sie es erneut, wenn er beendet ist.</translation>
    </message>
    <message>
        <source>Try again when it is awake (`vramswapctl wake`).</source>
        <translation>Versuchen Sie es erneut, wenn er wieder wach ist (`vramswapctl wake`).</translation>
    </message>
    <message>
        <source>Turn some of them off: `swapon --show`, then `sudo swapoff …`.</source>
        <translation>Schalten Sie einige davon aus: `swapon --show`, dann `sudo swapoff …`.</translation>
    </message>
    <message>
        <source>Turn some of them off; fewer and larger areas serve as well: `swapon --show`</source>
        <translation>Schalten Sie einige davon aus; wenige große Bereiche tun es auch: `swapon --show`</translation>
    </message>
    <message>
        <source>Turn the swap off before the computer sleeps, or install vramswap&apos;s package: `vramswapctl off`</source>
        <translation>Installieren Sie das Paket von vramswap oder schalten Sie den Swap vor jeder Bereitschaft aus: `vramswapctl off`</translation>
    </message>
    <message>
        <source>Turn the swap off before you switch: `vramswapctl off`</source>
        <translation>Schalten Sie den Swap aus, bevor Sie umschalten: `vramswapctl off`</translation>
    </message>
    <message>
        <source>Turn the swap off now, while its pages can still be read; then see `journalctl -b` and report it.</source>
        <translation>Schalten Sie den Swap jetzt aus, solange seine Seiten noch lesbar sind; sehen Sie dann in `journalctl -b` nach und melden Sie den Fehler.</translation>
    </message>
    <message>
        <source>Turn the swap off; programs that miss pages end. Then look for NVRM or Xid lines in `dmesg`.</source>
        <translation>Schalten Sie den Swap aus; Programme, denen Seiten fehlen, werden beendet. Suchen Sie dann in `dmesg` nach Zeilen mit NVRM oder Xid.</translation>
    </message>
    <message>
        <source>Unless you want it so: `sudo sysctl vm.overcommit_memory=0`</source>
        <translation>Falls Sie es nicht so wollen: `sudo sysctl vm.overcommit_memory=0`</translation>
    </message>
    <message>
        <source>Use a kernel that has CONFIG_SWAP.</source>
        <translation>Verwenden Sie einen Kernel mit CONFIG_SWAP.</translation>
    </message>
    <message>
        <source>Use it from your desktop session, where a password can be asked for, or as an administrator with sudo.</source>
        <translation>Verwenden Sie es in Ihrer Desktop-Sitzung, in der ein Passwort abgefragt werden kann, oder als Systemverwalter mit sudo.</translation>
    </message>
    <message>
        <source>With memory full, VRAM could not be given back. A swap file or zram makes room for its pages.</source>
        <translation>Bei vollem Arbeitsspeicher könnte VRAM nicht zurückgegeben werden. Eine Swap-Datei oder zram schafft Platz für seine Seiten.</translation>
    </message>
    <message>
        <source>Without systemd, have your system start vramswap-helper as root.</source>
        <translation>Sorgen Sie ohne systemd dafür, dass Ihr System vramswap-helper als root startet.</translation>
    </message>
    <message>
        <source>You are not allowed to do this.</source>
        <translation>Sie sind dazu nicht berechtigt.</translation>
    </message>
    <message>
        <source>a game was running</source>
        <translation>ein Spiel lief</translation>
    </message>
    <message>
        <source>a udev rule removes the GPU when the computer starts ({0})</source>
        <translation>eine udev-Regel entfernt die GPU beim Start des Computers ({0})</translation>
    </message>
    <message>
        <source>allocating {0}</source>
        <translation>Reservieren von {0}</translation>
    </message>
    <message>
        <source>allowing access</source>
        <translation>Gewähren des Zugriffs</translation>
    </message>
    <message>
        <source>another program is using the GPU</source>
        <translation>ein anderes Programm nutzt gerade die GPU</translation>
    </message>
    <message>
        <source>another program took its VRAM</source>
        <translation>ein anderes Programm hat VRAM beansprucht</translation>
    </message>
    <message>
        <source>another program uses {0} of VRAM</source>
        <translation>ein anderes Programm belegt {0} VRAM</translation>
    </message>
    <message>
        <source>another server is listening there</source>
        <translation>dort lauscht bereits ein anderer Server</translation>
    </message>
    <message>
        <source>asking for free memory</source>
        <translation>Abfragen des freien Speichers</translation>
    </message>
    <message>
        <source>asking for the PCI address</source>
        <translation>Abfragen der PCI-Adresse</translation>
    </message>
    <message>
        <source>asking for the UUID</source>
        <translation>Abfragen der UUID</translation>
    </message>
    <message>
        <source>asking for the driver&apos;s version</source>
        <translation>Abfragen der Treiberversion</translation>
    </message>
    <message>
        <source>asking for the name</source>
        <translation>Abfragen des Namens</translation>
    </message>
    <message>
        <source>attach an NBD device</source>
        <translation>Anbinden eines NBD-Geräts</translation>
    </message>
    <message>
        <source>bbswitch has switched the GPU off</source>
        <translation>bbswitch hat die GPU ausgeschaltet</translation>
    </message>
    <message>
        <source>counting GPUs</source>
        <translation>Zählen der GPUs</translation>
    </message>
    <message>
        <source>creating a context</source>
        <translation>Anlegen eines Kontexts</translation>
    </message>
    <message>
        <source>detach /dev/nbd{0}</source>
        <translation>Trennen von /dev/nbd{0}</translation>
    </message>
    <message>
        <source>exporting memory</source>
        <translation>Exportieren von Speicher</translation>
    </message>
    <message>
        <source>importing memory</source>
        <translation>Importieren von Speicher</translation>
    </message>
    <message>
        <source>in order</source>
        <translation>in Ordnung</translation>
    </message>
    <message>
        <source>it cannot be marked as an I/O flusher</source>
        <translation>er kann nicht als „I/O flusher“ markiert werden</translation>
    </message>
    <message>
        <source>it cannot be protected from the out-of-memory killer</source>
        <translation>er kann nicht vor dem OOM-Killer geschützt werden</translation>
    </message>
    <message>
        <source>it cannot be read ({0})</source>
        <translation>sie kann nicht gelesen werden ({0})</translation>
    </message>
    <message>
        <source>it could not be started: {0}</source>
        <translation>Start nicht möglich, {0}</translation>
    </message>
    <message>
        <source>it died while a device was attached</source>
        <translation>Absturz beim Anbinden eines Geräts</translation>
    </message>
    <message>
        <source>it died while it allocated VRAM</source>
        <translation>Absturz beim Reservieren von VRAM</translation>
    </message>
    <message>
        <source>it died while it opened the GPU</source>
        <translation>Absturz beim Öffnen der GPU</translation>
    </message>
    <message>
        <source>it does not answer</source>
        <translation>keine Antwort</translation>
    </message>
    <message>
        <source>it does not keep video memory, and need not</source>
        <translation>er sichert den Grafikspeicher nicht und muss es auch nicht</translation>
    </message>
    <message>
        <source>it ended</source>
        <translation>unerwartet beendet</translation>
    </message>
    <message>
        <source>it ended before it was ready</source>
        <translation>beendet, ohne bereit zu werden</translation>
    </message>
    <message>
        <source>it has settings that are not in force yet</source>
        <translation>sie enthält Einstellungen, die noch nicht gelten</translation>
    </message>
    <message>
        <source>it is far too large</source>
        <translation>viel zu groß</translation>
    </message>
    <message>
        <source>it is nested too deeply</source>
        <translation>zu tief verschachtelt</translation>
    </message>
    <message>
        <source>it is not running</source>
        <translation>läuft nicht</translation>
    </message>
    <message>
        <source>it is to keep video memory, but {0} missing: it will not sleep</source>
        <translation>er soll den Grafikspeicher sichern, aber es fehlt: {0}; so geht er nicht in Bereitschaft</translation>
    </message>
    <message>
        <source>it is to keep video memory, but {0} not enabled: it will not sleep</source>
        <translation>er soll den Grafikspeicher sichern, aber nicht aktiviert ist: {0}; so geht er nicht in Bereitschaft</translation>
    </message>
    <message>
        <source>it keeps video memory by itself</source>
        <translation>er sichert den Grafikspeicher selbst</translation>
    </message>
    <message>
        <source>it keeps video memory, and its units are enabled</source>
        <translation>er sichert den Grafikspeicher, und seine Units sind aktiviert</translation>
    </message>
    <message>
        <source>it must be a multiple of {0}</source>
        <translation>kein Vielfaches von {0}</translation>
    </message>
    <message>
        <source>it must be a short printable text</source>
        <translation>kein kurzer druckbarer Text</translation>
    </message>
    <message>
        <source>it must be a whole number</source>
        <translation>keine ganze Zahl</translation>
    </message>
    <message>
        <source>it must be on or off</source>
        <translation>weder „on“ noch „off“</translation>
    </message>
    <message>
        <source>it must be one of {0}</source>
        <translation>keiner der Werte {0}</translation>
    </message>
    <message>
        <source>it said nothing</source>
        <translation>keine Fehlermeldung</translation>
    </message>
    <message>
        <source>its memory cannot be brought back from swap</source>
        <translation>sein Speicher kann nicht aus dem Swap zurückgeholt werden</translation>
    </message>
    <message>
        <source>its memory cannot be locked</source>
        <translation>sein Speicher kann nicht gesperrt werden</translation>
    </message>
    <message>
        <source>lending VRAM failed</source>
        <translation>das Verleihen von VRAM ist fehlgeschlagen</translation>
    </message>
    <message>
        <source>libcuda.so.1 is not installed</source>
        <translation>libcuda.so.1 ist nicht installiert</translation>
    </message>
    <message>
        <source>libcuda.so.1 is there</source>
        <translation>libcuda.so.1 ist vorhanden</translation>
    </message>
    <message>
        <source>loaded</source>
        <translation>geladen</translation>
    </message>
    <message>
        <source>making the context current</source>
        <translation>Aktivieren des Kontexts</translation>
    </message>
    <message>
        <source>mapping memory</source>
        <translation>Einblenden von Speicher</translation>
    </message>
    <message>
        <source>measured by the kernel</source>
        <translation>wird vom Kernel gemessen</translation>
    </message>
    <message>
        <source>missing: {0}</source>
        <translation>nicht gefunden: {0}</translation>
    </message>
    <message>
        <source>mkswap failed on {0}: {1}</source>
        <translation>mkswap ist für {0} fehlgeschlagen: {1}</translation>
    </message>
    <message>
        <source>no more is needed</source>
        <translation>mehr wird nicht benötigt</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source>none found</source>
        <translation>keiner gefunden</translation>
    </message>
    <message>
        <source>none on the PCI bus</source>
        <translation>keine am PCI-Bus</translation>
    </message>
    <message>
        <source>none on the PCI bus: {0}</source>
        <translation>keine am PCI-Bus: {0}</translation>
    </message>
    <message>
        <source>none runs</source>
        <translation>keiner läuft</translation>
    </message>
    <message>
        <source>not allowed by the kernel</source>
        <translation>vom Kernel nicht erlaubt</translation>
    </message>
    <message>
        <source>not installed, so nobody may turn the swap on</source>
        <translation>nicht installiert, daher darf niemand den Swap einschalten</translation>
    </message>
    <message>
        <source>not known while the driver is not loaded</source>
        <translation>nicht bekannt, solange der Treiber nicht geladen ist</translation>
    </message>
    <message>
        <source>not loaded</source>
        <translation>nicht geladen</translation>
    </message>
    <message>
        <source>not measured by this kernel, so short memory is noticed late</source>
        <translation>wird von diesem Kernel nicht gemessen, daher wird knapper Arbeitsspeicher spät bemerkt</translation>
    </message>
    <message>
        <source>not possible on this computer</source>
        <translation>auf diesem Computer nicht möglich</translation>
    </message>
    <message>
        <source>not set up: there is no swap on a disk</source>
        <translation>nicht eingerichtet: Es gibt keinen Swap auf einem Datenträger</translation>
    </message>
    <message>
        <source>not there for kernel {0}</source>
        <translation>nicht vorhanden für Kernel {0}</translation>
    </message>
    <message>
        <source>nouveau is loaded, which has no CUDA</source>
        <translation>geladen ist nouveau, das kein CUDA bietet</translation>
    </message>
    <message>
        <source>of no use without an NVIDIA GPU</source>
        <translation>ohne NVIDIA-GPU nutzlos</translation>
    </message>
    <message>
        <source>off</source>
        <translation>aus</translation>
    </message>
    <message>
        <source>off: this computer did not start with UEFI, or does not tell</source>
        <translation>aus: Dieser Computer wurde nicht mit UEFI gestartet oder gibt keine Auskunft</translation>
    </message>
    <message>
        <source>on</source>
        <translation>ein</translation>
    </message>
    <message>
        <source>on, so the kernel loads only drivers that are signed, and NVIDIA&apos;s is not loaded</source>
        <translation>ein, daher lädt der Kernel nur signierte Treiber, und der von NVIDIA ist nicht geladen</translation>
    </message>
    <message>
        <source>on: pages are compressed in memory first, and reach VRAM late</source>
        <translation>ein: Seiten werden zuerst im Arbeitsspeicher komprimiert und gelangen spät in den VRAM</translation>
    </message>
    <message>
        <source>opening the GPU</source>
        <translation>Öffnen der GPU</translation>
    </message>
    <message>
        <source>other programs are using the GPU</source>
        <translation>andere Programme nutzen gerade die GPU</translation>
    </message>
    <message>
        <source>other programs use the rest of the VRAM</source>
        <translation>andere Programme belegen den übrigen VRAM</translation>
    </message>
    <message>
        <source>other programs use {0} of VRAM</source>
        <translation>andere Programme belegen {0} VRAM</translation>
    </message>
    <message>
        <source>pages are brought home first</source>
        <translation>Seiten werden zuvor zurückgeholt</translation>
    </message>
    <message>
        <source>polkit, which decides who may do this, does not answer ({0}).</source>
        <translation>polkit, das entscheidet, wer dies darf, antwortet nicht ({0}).</translation>
    </message>
    <message>
        <source>prime-select has switched the GPU off</source>
        <translation>prime-select hat die GPU ausgeschaltet</translation>
    </message>
    <message>
        <source>prime-select, in the mode {0}</source>
        <translation>prime-select, im Modus {0}</translation>
    </message>
    <message>
        <source>reconnect /dev/nbd{0}</source>
        <translation>Neuverbinden von /dev/nbd{0}</translation>
    </message>
    <message>
        <source>releasing addresses</source>
        <translation>Freigeben von Adressen</translation>
    </message>
    <message>
        <source>releasing memory</source>
        <translation>Freigeben von Speicher</translation>
    </message>
    <message>
        <source>releasing the context</source>
        <translation>Freigeben des Kontexts</translation>
    </message>
    <message>
        <source>reserving addresses</source>
        <translation>Reservieren von Adressen</translation>
    </message>
    <message>
        <source>see `journalctl -u vramswap-server`</source>
        <translation>siehe `journalctl -u vramswap-server`</translation>
    </message>
    <message>
        <source>setting up the context</source>
        <translation>Einrichten des Kontexts</translation>
    </message>
    <message>
        <source>starting CUDA</source>
        <translation>Starten von CUDA</translation>
    </message>
    <message>
        <source>supergfxctl&apos;s mode is {0}, in which the GPU is not for programs</source>
        <translation>supergfxctl ist im Modus {0}, in dem die GPU nicht für Programme da ist</translation>
    </message>
    <message>
        <source>supergfxctl: it ends every program that has the GPU open when it switches</source>
        <translation>supergfxctl: Beim Umschalten beendet es jedes Programm, das die GPU geöffnet hat</translation>
    </message>
    <message>
        <source>systemd did not disable {0}: {1}.</source>
        <translation>systemd hat {0} nicht deaktiviert: {1}.</translation>
    </message>
    <message>
        <source>systemd did not enable {0}: {1}.</source>
        <translation>systemd hat {0} nicht aktiviert: {1}.</translation>
    </message>
    <message>
        <source>“{0}” is not a whole number{1}</source>
        <translation>„{0}“ ist keine ganze Zahl{1}</translation>
    </message>
    <message>
        <source>swapoff failed on {0}: {1}</source>
        <translation>swapoff ist für {0} fehlgeschlagen: {1}</translation>
    </message>
    <message>
        <source>, in {0}</source>
        <translation>, in {0}</translation>
    </message>
    <message>
        <source>/dev/nbd{0} was not free in time.</source>
        <translation>/dev/nbd{0} wurde nicht rechtzeitig frei.</translation>
    </message>
    <message>
        <source>; for a swap file add resume_offset= too</source>
        <translation>; bei einer Swap-Datei auch resume_offset=</translation>
    </message>
    <message>
        <source>A MIG slice cannot be lent from.</source>
        <translation>Von einer MIG-Scheibe kann nichts verliehen werden.</translation>
    </message>
    <message>
        <source>Add resume=UUID=… to the kernel&apos;s command line, with the UUID of the disk&apos;s swap{0}: `{1}`</source>
        <translation>Ergänzen Sie die Befehlszeile des Kernels um resume=UUID=… mit der UUID des Swaps auf dem Datenträger{0}: `{1}`</translation>
    </message>
    <message>
        <source>As an administrator, use sudo.</source>
        <translation>Verwenden Sie als Systemverwalter sudo.</translation>
    </message>
    <message>
        <source>Both processes that held {0} in VRAM ended, and what was on it is lost.</source>
        <translation>Beide Prozesse, die {0} im VRAM hielten, sind zu Ende, und was darauf war, ist verloren.</translation>
    </message>
    <message>
        <source>Choose another mode and restart: `sudo envycontrol -s hybrid`</source>
        <translation>Wählen Sie einen anderen Modus und starten Sie neu: `sudo envycontrol -s hybrid`</translation>
    </message>
    <message>
        <source>Choose another mode and restart: `sudo prime-select on-demand`</source>
        <translation>Wählen Sie einen anderen Modus und starten Sie neu: `sudo prime-select on-demand`</translation>
    </message>
    <message>
        <source>Choose another mode: `supergfxctl --mode Hybrid`</source>
        <translation>Wählen Sie einen anderen Modus: `supergfxctl --mode Hybrid`</translation>
    </message>
    <message>
        <source>Choose another path.</source>
        <translation>Wählen Sie einen anderen Pfad.</translation>
    </message>
    <message>
        <source>Close what looks at it, then try again.</source>
        <translation>Schließen Sie, was darauf zugreift, und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>Early OOM killer</source>
        <translation>Früher OOM-Killer</translation>
    </message>
    <message>
        <source>EnvyControl&apos;s mode is integrated, and removes the GPU when the computer starts</source>
        <translation>EnvyControl ist im Modus integrated und entfernt die GPU beim Start des Computers</translation>
    </message>
    <message>
        <source>Graphics switcher</source>
        <translation>Grafikumschalter</translation>
    </message>
    <message>
        <source>Have the graphics switcher choose a hybrid mode, or remove that rule, and restart.</source>
        <translation>Stellen Sie den Grafikumschalter auf einen Hybridmodus, oder entfernen Sie diese Regel, und starten Sie neu.</translation>
    </message>
    <message>
        <source>It is being replaced, and no page is lost. If it stays so, turn the swap off and see `journalctl -b`.</source>
        <translation>Er wird ersetzt, und keine Seite ist verloren. Bleibt es so, schalten Sie den Swap aus und sehen Sie in `journalctl -b` nach.</translation>
    </message>
    <message>
        <source>Lend VRAM all the time: `vramswapctl mode always`. Or have some other swap, such as zram.</source>
        <translation>Verleihen Sie VRAM ständig: `vramswapctl mode always`. Oder richten Sie anderen Swap ein, etwa zram.</translation>
    </message>
    <message>
        <source>Memory or processes are short; it is tried again.</source>
        <translation>Speicher oder Prozesse sind knapp; es wird noch einmal versucht.</translation>
    </message>
    <message>
        <source>Mend the file, or remove it to go back to the defaults. Until then the last good settings are in force.</source>
        <translation>Berichtigen Sie die Datei, oder entfernen Sie sie, um zu den Vorgaben zurückzukehren. Bis dahin gelten die letzten guten Einstellungen.</translation>
    </message>
    <message>
        <source>Nothing was lost. Try again; if it stays so, see `journalctl -b`.</source>
        <translation>Nichts ging verloren. Versuchen Sie es noch einmal; bleibt es so, sehen Sie in `journalctl -b` nach.</translation>
    </message>
    <message>
        <source>Only the system itself may do this.</source>
        <translation>Dazu ist nur das System selbst berechtigt.</translation>
    </message>
    <message>
        <source>See `dmesg`, then try again.</source>
        <translation>Sehen Sie in `dmesg` nach und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>The GPU is gone, and what was in its memory is lost.{0}</source>
        <translation>Die GPU ist weg, und was in ihrem Speicher war, ist verloren.{0}</translation>
    </message>
    <message>
        <source>The engine could not be started: {0}.</source>
        <translation>Die Engine konnte nicht gestartet werden: {0}.</translation>
    </message>
    <message>
        <source>The engine is being replaced.</source>
        <translation>Die Engine wird gerade ersetzt.</translation>
    </message>
    <message>
        <source>The new version could not be started: {0}.</source>
        <translation>Die neue Version konnte nicht gestartet werden: {0}.</translation>
    </message>
    <message>
        <source>The old one serves on. See whether vramswap is installed completely, then try again.</source>
        <translation>Die alte arbeitet weiter. Prüfen Sie, ob vramswap vollständig installiert ist, und versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>The segment was not ready in time.</source>
        <translation>Das Segment war nicht rechtzeitig bereit.</translation>
    </message>
    <message>
        <source>The server ends.</source>
        <translation>Der Server hört auf.</translation>
    </message>
    <message>
        <source>The server is busy with something else.</source>
        <translation>Der Server ist mit etwas anderem beschäftigt.</translation>
    </message>
    <message>
        <source>The server was stopped before it was ready.</source>
        <translation>Der Server wurde beendet, bevor er bereit war.</translation>
    </message>
    <message>
        <source>The system refused: {0} {1}</source>
        <translation>Das System lehnt ab: {0} {1}</translation>
    </message>
    <message>
        <source>The system refuses: {0}.</source>
        <translation>Das System lehnt ab: {0}.</translation>
    </message>
    <message>
        <source>Turn the swap off; programs that miss pages end. Then see `journalctl -b`, and report it.</source>
        <translation>Schalten Sie den Swap aus; Programme, denen Seiten fehlen, enden. Sehen Sie dann in `journalctl -b` nach und melden Sie es.</translation>
    </message>
    <message>
        <source>Turn the swap on again.</source>
        <translation>Schalten Sie den Swap wieder ein.</translation>
    </message>
    <message>
        <source>a kernel device has no clients</source>
        <translation>ein Gerät des Kernels hat keine Clients</translation>
    </message>
    <message>
        <source>it did not open the GPU in time</source>
        <translation>sie hat die GPU nicht rechtzeitig geöffnet</translation>
    </message>
    <message>
        <source>it does not answer to “{0}”</source>
        <translation>er antwortet nicht auf „{0}“</translation>
    </message>
    <message>
        <source>no answer</source>
        <translation>keine Antwort</translation>
    </message>
    <message>
        <source>swapon failed on {0}: {1}</source>
        <translation>swapon ist für {0} fehlgeschlagen: {1}</translation>
    </message>
    <message>
        <source>the GPU has no VRAM to spare</source>
        <translation>die GPU hat keinen VRAM übrig</translation>
    </message>
    <message>
        <source>the battery was low</source>
        <translation>die Akkuladung war niedrig</translation>
    </message>
    <message>
        <source>the caller is gone</source>
        <translation>der Aufrufer ist nicht mehr da</translation>
    </message>
    <message>
        <source>the firmware of this ASUS computer has switched the GPU off</source>
        <translation>die Firmware dieses ASUS-Computers hat die GPU ausgeschaltet</translation>
    </message>
    <message>
        <source>the kernel does not hold programs to a sum</source>
        <translation>der Kernel begrenzt die Summe der Anforderungen nicht</translation>
    </message>
    <message>
        <source>the kernel knows where to</source>
        <translation>der Kernel weiß, wohin</translation>
    </message>
    <message>
        <source>the kernel&apos;s command line has no resume=, so while VRAM is lent systemd would hibernate to it, and finds it too small</source>
        <translation>die Befehlszeile des Kernels hat kein resume=, also würde systemd den Ruhezustand in verliehenes VRAM schreiben wollen und fände es zu klein</translation>
    </message>
    <message>
        <source>the machine was on battery</source>
        <translation>der Computer lief im Akkubetrieb</translation>
    </message>
    <message>
        <source>the new version does not answer</source>
        <translation>keine Antwort der neuen Version</translation>
    </message>
    <message>
        <source>the size changed too often in the last hour</source>
        <translation>die Größe wurde in der letzten Stunde zu oft geändert</translation>
    </message>
    <message>
        <source>the size must be greater than zero</source>
        <translation>die Größe muss größer als null sein</translation>
    </message>
    <message>
        <source>there is room for more</source>
        <translation>es ist Platz für weitere</translation>
    </message>
    <message>
        <source>there, and asks for a password where one is needed</source>
        <translation>vorhanden, fragt bei Bedarf nach einem Passwort</translation>
    </message>
    <message>
        <source>there, and loaded when needed</source>
        <translation>vorhanden, wird bei Bedarf geladen</translation>
    </message>
    <message>
        <source>there, but no program runs that asks for an administrator&apos;s password</source>
        <translation>vorhanden, aber es läuft kein Programm, das nach dem Passwort eines Systemverwalters fragt</translation>
    </message>
    <message>
        <source>this is not UTF-8</source>
        <translation>das ist kein UTF-8</translation>
    </message>
    <message>
        <source>this kernel has no swap at all</source>
        <translation>dieser Kernel unterstützt keinen Swap</translation>
    </message>
    <message>
        <source>unknown</source>
        <translation>unbekannt</translation>
    </message>
    <message>
        <source>unmapping memory</source>
        <translation>Ausblenden von Speicher</translation>
    </message>
    <message>
        <source>until a moment ago {0}</source>
        <translation>{0} (bis vor Kurzem)</translation>
    </message>
    <message>
        <source>util-linux and kmod are there</source>
        <translation>util-linux und kmod sind vorhanden</translation>
    </message>
    <message>
        <source>version {0}</source>
        <translation>Version {0}</translation>
    </message>
    <message>
        <source>version {0} is too old</source>
        <translation>Version {0} ist zu alt</translation>
    </message>
    <message>
        <source>version {0}, {1}</source>
        <translation>Version {0}, {1}</translation>
    </message>
    <message>
        <source>vm.overcommit_memory=2: programs may ask for {0} in all, and were promised {1}; swap in VRAM raises the limit, and cannot go while it is needed</source>
        <translation>vm.overcommit_memory=2: Programme dürfen zusammen {0} anfordern, zugesagt sind {1}; Swap im VRAM hebt die Grenze und kann nicht weg, solange sie gebraucht wird</translation>
    </message>
    <message>
        <source>vramswap is of use with a GPU that has VRAM; for this computer there is zram.</source>
        <translation>vramswap nützt mit einer GPU, die VRAM hat; für diesen Computer gibt es zram.</translation>
    </message>
    <message>
        <source>vramswap is of use with an NVIDIA GPU only.</source>
        <translation>vramswap ist nur mit einer NVIDIA-GPU von Nutzen.</translation>
    </message>
    <message>
        <source>vramswap needs D-Bus, and root&apos;s D-Bus policy: see `systemctl status dbus`.</source>
        <translation>vramswap benötigt D-Bus und dessen Richtlinie für root: siehe `systemctl status dbus`.</translation>
    </message>
    <message>
        <source>vramswap needs D-Bus: start the service dbus.</source>
        <translation>vramswap benötigt D-Bus: Starten Sie den Dienst dbus.</translation>
    </message>
    <message>
        <source>wiping memory</source>
        <translation>Überschreiben von Speicher</translation>
    </message>
    <message>
        <source>without a driver</source>
        <translation>ohne Treiber</translation>
    </message>
    <message>
        <source>zswap</source>
        <translation>zswap</translation>
    </message>
    <message>
        <source>{0} (column {1})</source>
        <translation>{0} (Spalte {1})</translation>
    </message>
    <message>
        <source>{0} GPUs found: {1}.</source>
        <translation>{0} Gefundene GPUs: {1}.</translation>
    </message>
    <message>
        <source>{0} a moment ago</source>
        <translation>{0} (vor Kurzem)</translation>
    </message>
    <message>
        <source>{0} are in use already, and the kernel has room for some {1}</source>
        <translation>{0} sind schon in Gebrauch, und der Kernel hat Platz für etwa {1}</translation>
    </message>
    <message>
        <source>{0} at the end</source>
        <translation>{0} am Ende</translation>
    </message>
    <message>
        <source>{0} auto: {1}.</source>
        <translation>{0} auto: {1}.</translation>
    </message>
    <message>
        <source>{0} cannot be lent: the GPU has {1} of VRAM, of which {2} are kept free.</source>
        <translation>{0} können nicht verliehen werden: Die GPU hat {1} VRAM, von denen {2} freigehalten werden.</translation>
    </message>
    <message>
        <source>{0} cannot be served: {1}.</source>
        <translation>{0} kann nicht angeboten werden: {1}.</translation>
    </message>
    <message>
        <source>{0} cannot be written: {1}.</source>
        <translation>{0} kann nicht geschrieben werden: {1}.</translation>
    </message>
    <message>
        <source>{0} could not be written: {1}.</source>
        <translation>{0} konnte nicht geschrieben werden: {1}.</translation>
    </message>
    <message>
        <source>{0} does not say how much memory is available</source>
        <translation>{0} sagt nicht, wie viel Speicher verfügbar ist</translation>
    </message>
    <message>
        <source>{0} failed on {1}: {2}.</source>
        <translation>{0} ist für {1} fehlgeschlagen: {2}.</translation>
    </message>
    <message>
        <source>{0} has a defect ({1}).</source>
        <translation>{0} hat einen Fehler ({1}).</translation>
    </message>
    <message>
        <source>{0} is being changed.</source>
        <translation>{0} wird gerade verändert.</translation>
    </message>
    <message>
        <source>{0} is held open by another program.</source>
        <translation>{0} wird von einem anderen Programm offen gehalten.</translation>
    </message>
    <message>
        <source>{0} is in use ({1}).</source>
        <translation>{0} wird verwendet ({1}).</translation>
    </message>
    <message>
        <source>{0} is in use as swap.</source>
        <translation>{0} wird als Swap verwendet.</translation>
    </message>
    <message>
        <source>{0} is more than the largest size allowed here, {1}.</source>
        <translation>{0} ist mehr als die hier zulässige maximale Größe von {1}.</translation>
    </message>
    <message>
        <source>{0} is not installed</source>
        <translation>{0} ist nicht installiert</translation>
    </message>
    <message>
        <source>{0} is not installed, so nobody brings the pages home</source>
        <translation>{0} ist nicht installiert, daher holt niemand die Seiten zurück</translation>
    </message>
    <message>
        <source>{0} is outside {1} to {2}</source>
        <translation>{0} liegt nicht zwischen {1} und {2}</translation>
    </message>
    <message>
        <source>{0} is {1}, so nobody brings the pages home</source>
        <translation>{0} ist „{1}“, daher holt niemand die Seiten zurück</translation>
    </message>
    <message>
        <source>{0} of VRAM are lent as swap.</source>
        <translation>{0} VRAM sind als Swap verliehen.</translation>
    </message>
    <message>
        <source>{0} of pages are in VRAM, and memory and other swap have room for {1}.</source>
        <translation>Im VRAM sind {0} an Seiten, und Arbeitsspeicher und anderer Swap haben Platz für {1}.</translation>
    </message>
    <message>
        <source>{0} of {1}: other programs use the rest of the VRAM.</source>
        <translation>{0} von {1} – andere Programme belegen den übrigen VRAM.</translation>
    </message>
    <message>
        <source>{0} of {1}: {2}.</source>
        <translation>{0} von {1} – {2}.</translation>
    </message>
    <message>
        <source>{0} programs of yours have vramswap make way already, and {1} in all.</source>
        <translation>{0} Ihrer Programme lassen vramswap bereits Platz machen, insgesamt sind es {1}.</translation>
    </message>
    <message>
        <source>{0} segments are attached.</source>
        <translation>{0} Segmente sind angebunden.</translation>
    </message>
    <message>
        <source>{0}, line {1}</source>
        <translation>{0}, Zeile {1}</translation>
    </message>
    <message>
        <source>{0}, may not sleep</source>
        <translation>{0}, darf nicht schlafen</translation>
    </message>
    <message>
        <source>{0}, not for CUDA: {1}</source>
        <translation>{0}, nicht für CUDA: {1}</translation>
    </message>
    <message>
        <source>{0}, one page is read at once</source>
        <translation>{0}, jeweils eine Seite wird gelesen</translation>
    </message>
    <message>
        <source>{0}, {1} pages are read at once</source>
        <translation>{0}, jeweils {1} Seiten werden gelesen</translation>
    </message>
    <message>
        <source>{0}: it takes the GPU away from all programs when it switches</source>
        <translation>{0}: Beim Umschalten nimmt es die GPU allen Programmen weg</translation>
    </message>
    <message>
        <source>{0}: swap in VRAM counts for it as any other</source>
        <translation>{0}: Swap im VRAM zählt dafür wie jeder andere</translation>
    </message>
    <message>
        <source>{0}: the kernel swaps as late as it can</source>
        <translation>{0}: Der Kernel lagert so spät wie möglich aus</translation>
    </message>
    <message>
        <source>{0}: without other swap it may end programs before VRAM is lent</source>
        <translation>{0}: Ohne anderen Swap kann es Programme beenden, bevor VRAM verliehen wird</translation>
    </message>
    <message>
        <source>“{0}” is more than any GPU has</source>
        <translation>„{0}“ ist mehr, als irgendeine GPU hat</translation>
    </message>
    <message>
        <source>“{0}” is more than one NVIDIA GPU.</source>
        <translation>„{0}“ ist mehr als eine NVIDIA-GPU.</translation>
    </message>
    <message>
        <source>“{0}” is not a size; write it like 8G, 512M or 1073741824</source>
        <translation>„{0}“ ist keine Größe; Schreibweise wie 8G, 512M oder 1073741824</translation>
    </message>
</context>
<context>
    <name>tray</name>
    <message>
        <source>When memory gets short</source>
        <translation>Bei knappem Arbeitsspeicher</translation>
    </message>
    <message>
        <source>Swap size</source>
        <translation>Swap-Größe</translation>
    </message>
    <message>
        <source>How much VRAM to lend at most.</source>
        <translation>Wie viel VRAM höchstens verliehen wird.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>all that is free, less what is kept free</source>
        <translation>aller freie VRAM außer dem freigehaltenen</translation>
    </message>
    <message>
        <source>VRAM kept free</source>
        <translation>Freigehaltener VRAM</translation>
    </message>
    <message>
        <source>VRAM that is never lent: the desktop and other programs have it.</source>
        <translation>VRAM, der nie verliehen wird: Er bleibt dem Desktop und anderen Programmen.</translation>
    </message>
    <message>
        <source>Give back after</source>
        <translation>Zurückgeben nach</translation>
    </message>
    <message>
        <source>How long memory has to be plentiful before VRAM that was lent on demand is given back.</source>
        <translation>Wie lange reichlich Arbeitsspeicher frei sein muss, bevor bei Bedarf verliehener VRAM zurückgegeben wird.</translation>
    </message>
    <message>
        <source>Only on mains power</source>
        <translation>Nur im Netzbetrieb</translation>
    </message>
    <message>
        <source>Bring everything home when the machine goes to battery.</source>
        <translation>Alles zurückholen, sobald der Computer in den Akkubetrieb wechselt.</translation>
    </message>
    <message>
        <source>Battery floor</source>
        <translation>Mindestladung</translation>
    </message>
    <message>
        <source>Off while the battery is below it. 0: no floor.</source>
        <translation>Aus, solange die Akkuladung darunter liegt. 0: keine Mindestladung.</translation>
    </message>
    <message>
        <source>Make way for games</source>
        <translation>Vorrang für Spiele</translation>
    </message>
    <message>
        <source>Give all VRAM back while GameMode says that a game is running.</source>
        <translation>Den gesamten VRAM zurückgeben, solange GameMode ein laufendes Spiel meldet.</translation>
    </message>
    <message>
        <source>Largest size</source>
        <translation>Maximale Größe</translation>
    </message>
    <message>
        <source>The most a user may choose without an administrator.</source>
        <translation>Das Höchste, was Benutzer ohne Systemverwalter wählen können.</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>Unbegrenzt</translation>
    </message>
    <message>
        <source>Swap priority</source>
        <translation>Swap-Priorität</translation>
    </message>
    <message>
        <source>Higher is used first. Disk swap usually has -2, zram 100.</source>
        <translation>Höhere Werte werden zuerst verwendet. Swap auf Datenträgern hat meist −2, zram 100.</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>PCI address, UUID or number of the GPU to use. Empty: the first one.</source>
        <translation>PCI-Adresse, UUID oder Nummer der gewünschten GPU. Leer: die erste.</translation>
    </message>
    <message>
        <source>Start at login</source>
        <translation>Bei der Anmeldung starten</translation>
    </message>
    <message>
        <source>Show the icon in the tray as soon as you log in.</source>
        <translation>Das Symbol gleich nach der Anmeldung im Infobereich anzeigen.</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>Benachrichtigungen</translation>
    </message>
    <message>
        <source>Say what you should know while no window is open: trouble, and VRAM that is given back.</source>
        <translation>Mitteilen, was Sie wissen sollten, wenn kein Fenster offen ist: Probleme und die Rückgabe von VRAM.</translation>
    </message>
    <message>
        <source>Tray icon</source>
        <translation>Symbol im Systembereich</translation>
    </message>
    <message>
        <source>Choose a colour where the panel does not give the icon its own.</source>
        <translation>Eine Farbe wählen, wo die Leiste dem Symbol nicht ihre eigene gibt.</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>This desktop shows no tray icons, so there is this window instead.</source>
        <translation>Dieser Desktop zeigt keine Symbole im Systembereich, deshalb gibt es dieses Fenster.</translation>
    </message>
    <message>
        <source>Closing it ends the tray; the swap stays as it is.</source>
        <translation>Wird es geschlossen, endet das Programm; der Swap bleibt, wie er ist.</translation>
    </message>
    <message>
        <source>The extension “AppIndicator and KStatusNotifierItem Support” brings them at the next login.</source>
        <translation>Die Erweiterung „AppIndicator and KStatusNotifierItem Support“ bringt sie bei der nächsten Anmeldung.</translation>
    </message>
    <message>
        <source>A bar with a tray brings them, such as waybar with its module “tray”.</source>
        <translation>Eine Leiste mit Systembereich bringt sie, etwa waybar mit dem Modul „tray“.</translation>
    </message>
    <message>
        <source>Adding a “system tray” or “status tray” to the panel brings them.</source>
        <translation>Ein „Systembereich“ oder „Statusbereich“ in der Leiste bringt sie.</translation>
    </message>
    <message>
        <source>{part} of {whole}</source>
        <translation>{part} von {whole}</translation>
    </message>
    <message>
        <source>No NVIDIA GPU</source>
        <translation>Keine NVIDIA-Grafikkarte</translation>
    </message>
    <message>
        <source>This computer has none, so there is no video memory to lend.</source>
        <translation>Dieser Computer hat keine, also gibt es keinen Grafikspeicher zu verleihen.</translation>
    </message>
    <message>
        <source>The GPU is awake.</source>
        <translation>Die GPU ist wach.</translation>
    </message>
    <message>
        <source>The GPU is asleep.</source>
        <translation>Die GPU schläft.</translation>
    </message>
    <message>
        <source>The GPU is awake, because its memory is lent.</source>
        <translation>Die GPU ist wach, weil ihr Speicher verliehen ist.</translation>
    </message>
    <message>
        <source>{part} in use</source>
        <translation>{part} in Gebrauch</translation>
    </message>
    <message>
        <source>{use} · {watts} W</source>
        <translation>{use} · {watts} W</translation>
    </message>
    <message>
        <source>On</source>
        <translation>An</translation>
    </message>
    <message>
        <source>The GPU is kept awake by {programs}.</source>
        <translation>Die GPU wird wach gehalten von {programs}.</translation>
    </message>
    <message>
        <source>↑ To VRAM</source>
        <translation>↑ Zum VRAM</translation>
    </message>
    <message>
        <source>↓ Back</source>
        <translation>↓ Zurück</translation>
    </message>
    <message>
        <source>at most {rate}</source>
        <translation>höchstens {rate}</translation>
    </message>
    <message>
        <source>Everything that is needed is there.</source>
        <translation>Alles Nötige ist vorhanden.</translation>
    </message>
    <message>
        <source>Check of this computer</source>
        <translation>Prüfung dieses Computers</translation>
    </message>
    <message>
        <source>fine</source>
        <translation>in Ordnung</translation>
    </message>
    <message>
        <source>worth knowing</source>
        <translation>wissenswert</translation>
    </message>
    <message>
        <source>missing</source>
        <translation>fehlt</translation>
    </message>
    <message>
        <source>Check &amp;again</source>
        <translation>Er&amp;neut prüfen</translation>
    </message>
    <message>
        <source>Copy &amp;everything</source>
        <translation>Alles &amp;kopieren</translation>
    </message>
    <message>
        <source>Copy all that was found, to ask somebody for help</source>
        <translation>Alle Ergebnisse kopieren, um jemanden um Hilfe zu bitten</translation>
    </message>
    <message numerus="yes">
        <source>%n checks are fine</source>
        <translation>
            <numerusform>%n Prüfung ist in Ordnung</numerusform>
            <numerusform>%n Prüfungen sind in Ordnung</numerusform>
        </translation>
    </message>
    <message>
        <source>Checking…</source>
        <translation>Prüfung läuft&#xa0;…</translation>
    </message>
    <message>
        <source>This computer has no NVIDIA GPU.</source>
        <translation>Dieser Computer hat keine NVIDIA-Grafikkarte.</translation>
    </message>
    <message numerus="yes">
        <source>%n things are missing before VRAM can be lent.</source>
        <translation>
            <numerusform>Damit VRAM verliehen werden kann, fehlt noch %n&#xa0;Voraussetzung.</numerusform>
            <numerusform>Damit VRAM verliehen werden kann, fehlen noch %n&#xa0;Voraussetzungen.</numerusform>
        </translation>
    </message>
    <message>
        <source>Everything that is needed is there, and some things are worth knowing.</source>
        <translation>Alles Nötige ist vorhanden, einiges ist wissenswert.</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message numerus="yes">
        <source>%n more checks</source>
        <translation>
            <numerusform>%n weitere Prüfung</numerusform>
            <numerusform>%n weitere Prüfungen</numerusform>
        </translation>
    </message>
    <message>
        <source>Copy the command for {name}</source>
        <translation>Befehl für „{name}“ kopieren</translation>
    </message>
    <message>
        <source>Traffic between memory and VRAM, last 5 minutes</source>
        <translation>Datenverkehr zwischen Arbeitsspeicher und VRAM, letzte 5&#xa0;Minuten</translation>
    </message>
    <message>
        <source>5 minutes ago</source>
        <translation>vor 5&#xa0;Minuten</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>In VRAM</source>
        <translation>Im VRAM</translation>
    </message>
    <message>
        <source>To VRAM {out}, back {back}, in VRAM {held}. Peak of the last 5 minutes {peak}.</source>
        <translation>Zum VRAM {out}, zurück {back}, im VRAM {held}. Höchstwert der letzten 5&#xa0;Minuten {peak}.</translation>
    </message>
    <message>
        <source>{size}/s</source>
        <translation>{size}/s</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Process {pid}</source>
        <translation>Prozess {pid}</translation>
    </message>
    <message>
        <source>VRAM swap</source>
        <translation>VRAM-Swap</translation>
    </message>
    <message>
        <source>&amp;Use VRAM as swap</source>
        <translation>&amp;VRAM als Swap verwenden</translation>
    </message>
    <message>
        <source>&amp;Size</source>
        <translation>&amp;Größe</translation>
    </message>
    <message>
        <source>S&amp;ettings…</source>
        <translation>&amp;Einstellungen&#xa0;…</translation>
    </message>
    <message>
        <source>&amp;Check this computer…</source>
        <translation>Diesen Computer &amp;prüfen&#xa0;…</translation>
    </message>
    <message>
        <source>&amp;Open</source>
        <translation>Ö&amp;ffnen</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>&amp;Beenden</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>No VRAM is lent. Nothing else was changed.</source>
        <translation>Es ist kein VRAM verliehen. Sonst wurde nichts geändert.</translation>
    </message>
    <message>
        <source>kernel</source>
        <translation>Kernel</translation>
    </message>
    <message>
        <source>{size} – others are offered once the GPU has been awake</source>
        <translation>{size} – andere sind wählbar, sobald die GPU einmal wach war</translation>
    </message>
    <message>
        <source>{size} in all</source>
        <translation>{size} insgesamt</translation>
    </message>
    <message>
        <source>{size} lent</source>
        <translation>{size} verliehen</translation>
    </message>
    <message>
        <source>Video memory</source>
        <translation>Grafikspeicher</translation>
    </message>
    <message>
        <source>The GPU is asleep. Looking would wake it.</source>
        <translation>Die GPU schläft. Nachsehen würde sie wecken.</translation>
    </message>
    <message>
        <source>Compressed memory (zram)</source>
        <translation>Komprimierter Arbeitsspeicher (zram)</translation>
    </message>
    <message>
        <source>Swap file {path}</source>
        <translation>Swap-Datei {path}</translation>
    </message>
    <message>
        <source>Disk {path}</source>
        <translation>Datenträger {path}</translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation>Wird verbunden&#xa0;…</translation>
    </message>
    <message>
        <source>Looking for the helper, which does the work.</source>
        <translation>Der Hilfsdienst, der die Arbeit erledigt, wird gesucht.</translation>
    </message>
    <message>
        <source>Helper unavailable</source>
        <translation>Hilfsdienst nicht verfügbar</translation>
    </message>
    <message>
        <source>The helper, which does the work, does not answer.</source>
        <translation>Der Hilfsdienst, der die Arbeit erledigt, antwortet nicht.</translation>
    </message>
    <message>
        <source>Bringing pages home, {size} to go.</source>
        <translation>Seiten werden zurückgeholt, noch {size}.</translation>
    </message>
    <message>
        <source>VRAM swap: {state}</source>
        <translation>VRAM-Swap: {state}</translation>
    </message>
    <message>
        <source>Automatic, all that is free</source>
        <translation>Automatisch, aller freie VRAM</translation>
    </message>
    <message>
        <source>Its memory is shown when the swap is on.</source>
        <translation>Ihr Speicher wird angezeigt, wenn der Swap eingeschaltet ist.</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Arbeitsspeicher</translation>
    </message>
    <message>
        <source>&amp;Quit, the swap stays on</source>
        <translation>&amp;Beenden, Swap bleibt eingeschaltet</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>Wartet</translation>
    </message>
    <message>
        <source>Turning on…</source>
        <translation>Wird eingeschaltet&#xa0;…</translation>
    </message>
    <message>
        <source>Changing the size…</source>
        <translation>Größe wird geändert&#xa0;…</translation>
    </message>
    <message>
        <source>Turning off…</source>
        <translation>Wird ausgeschaltet&#xa0;…</translation>
    </message>
    <message>
        <source>In trouble</source>
        <translation>Störung</translation>
    </message>
    <message>
        <source>Simulated: {parts}</source>
        <translation>Simuliert: {parts}</translation>
    </message>
    <message>
        <source>Used</source>
        <translation>Belegt</translation>
    </message>
    <message>
        <source>Free</source>
        <translation>Frei</translation>
    </message>
    <message>
        <source>“{command}”</source>
        <translation>„{command}“</translation>
    </message>
    <message>
        <source>The helper does not say why.</source>
        <translation>Der Hilfsdienst nennt keinen Grund.</translation>
    </message>
    <message>
        <source>No VRAM is lent, and the GPU may sleep.</source>
        <translation>Es ist kein VRAM verliehen, und die GPU darf schlafen.</translation>
    </message>
    <message>
        <source>It turns on as soon as there is VRAM to lend.</source>
        <translation>Der Swap wird eingeschaltet, sobald es VRAM zu verleihen gibt.</translation>
    </message>
    <message>
        <source>Reserving VRAM.</source>
        <translation>VRAM wird reserviert.</translation>
    </message>
    <message>
        <source>Bringing pages home.</source>
        <translation>Seiten werden zurückgeholt.</translation>
    </message>
    <message>
        <source>Automatic, now {size}</source>
        <translation>Automatisch, jetzt {size}</translation>
    </message>
    <message>
        <source>{wanted}, now {size}</source>
        <translation>{wanted}, jetzt {size}</translation>
    </message>
    <message>
        <source>{size} of VRAM are still in use as swap.</source>
        <translation>{size} VRAM werden noch als Swap verwendet.</translation>
    </message>
    <message>
        <source>VRAM</source>
        <translation>VRAM</translation>
    </message>
    <message>
        <source>The swap in VRAM turns off</source>
        <translation>VRAM-Swap wird ausgeschaltet</translation>
    </message>
    <message>
        <source>Turn on by itself</source>
        <translation>Von selbst einschalten</translation>
    </message>
    <message>
        <source>When VRAM becomes swap without your turning it on.</source>
        <translation>Wann VRAM zu Swap wird, ohne dass Sie es einschalten.</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>Nie</translation>
    </message>
    <message>
        <source>Always</source>
        <translation>Immer</translation>
    </message>
    <message>
        <source>Start before login</source>
        <translation>Vor der Anmeldung starten</translation>
    </message>
    <message>
        <source>Be there as soon as the computer has started. Otherwise the tray icon brings it at login.</source>
        <translation>Bereitstehen, sobald der Computer gestartet ist. Sonst bringt es das Symbol bei der Anmeldung mit.</translation>
    </message>
    <message>
        <source>The pages in VRAM fit neither into memory nor into other swap. Close programs, then try again.</source>
        <translation>Die Seiten im VRAM passen weder in den Arbeitsspeicher noch in anderen Swap. Schließen Sie Programme und versuchen Sie es dann erneut.</translation>
    </message>
    <message>
        <source>The computer runs on battery.</source>
        <translation>Der Computer läuft im Akkubetrieb.</translation>
    </message>
    <message>
        <source>What is in VRAM comes back into memory, which can take a moment.</source>
        <translation>Der Inhalt des VRAM wird in den Arbeitsspeicher zurückgeholt, was einen Moment dauern kann.</translation>
    </message>
    <message>
        <source>No VRAM is lent until that changes.</source>
        <translation>Bis sich das ändert, wird kein VRAM verliehen.</translation>
    </message>
    <message>
        <source>VRAM is given back</source>
        <translation>VRAM wird zurückgegeben</translation>
    </message>
    <message>
        <source>A game is running and gets all of it.</source>
        <translation>Ein Spiel läuft und bekommt den gesamten VRAM.</translation>
    </message>
    <message>
        <source>The swap in VRAM is in danger</source>
        <translation>Der VRAM-Swap ist in Gefahr</translation>
    </message>
    <message>
        <source>Turn it off now</source>
        <translation>Jetzt ausschalten</translation>
    </message>
    <message>
        <source>The computer did not go to sleep</source>
        <translation>Der Computer ging nicht in Bereitschaft</translation>
    </message>
    <message>
        <source>VRAM cannot be given back</source>
        <translation>VRAM kann nicht zurückgegeben werden</translation>
    </message>
    <message>
        <source>VRAM cannot be lent</source>
        <translation>VRAM kann nicht verliehen werden</translation>
    </message>
    <message>
        <source>Use it all the same</source>
        <translation>Trotzdem verwenden</translation>
    </message>
    <message>
        <source>The battery is below {floor} %.</source>
        <translation>Die Akkuladung liegt unter {floor}&#xa0;%.</translation>
    </message>
    <message>
        <source>&amp;Copy command</source>
        <translation>Befehl &amp;kopieren</translation>
    </message>
    <message>
        <source>&amp;Dismiss</source>
        <translation>Aus&amp;blenden</translation>
    </message>
    <message>
        <source>Dismiss this message</source>
        <translation>Diese Meldung ausblenden</translation>
    </message>
    <message>
        <source>Copy the command {command}</source>
        <translation>Befehl kopieren: {command}</translation>
    </message>
    <message>
        <source>Use VRAM as swap</source>
        <translation>VRAM als Swap verwenden</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>In Arbeit</translation>
    </message>
    <message>
        <source>&amp;Cancel</source>
        <translation>&amp;Abbrechen</translation>
    </message>
    <message>
        <source>Leave the pages in VRAM and the swap on</source>
        <translation>Die Seiten im VRAM und den Swap eingeschaltet lassen</translation>
    </message>
    <message>
        <source>&amp;Settings…</source>
        <translation>&amp;Einstellungen&#xa0;…</translation>
    </message>
    <message>
        <source>C&amp;heck this computer…</source>
        <translation>Diesen Computer &amp;prüfen&#xa0;…</translation>
    </message>
    <message>
        <source>Memory and swap</source>
        <translation>Arbeitsspeicher und Swap</translation>
    </message>
    <message>
        <source>Swap, used</source>
        <translation>Swap, belegt</translation>
    </message>
    <message>
        <source>Swap, reserved</source>
        <translation>Swap, reserviert</translation>
    </message>
    <message>
        <source>Kept free</source>
        <translation>Freigehalten</translation>
    </message>
    <message>
        <source>Others</source>
        <translation>Andere</translation>
    </message>
    <message>
        <source>Other programs</source>
        <translation>Andere Programme</translation>
    </message>
    <message>
        <source>Last 5 minutes</source>
        <translation>Letzte 5 Minuten</translation>
    </message>
    <message>
        <source>Your account</source>
        <translation>Ihr Benutzerkonto</translation>
    </message>
    <message>
        <source>Everybody&apos;s on this computer: needs an administrator.</source>
        <translation>Gilt für alle an diesem Computer: nur mit Systemverwalter.</translation>
    </message>
    <message>
        <source>Whose memory is lent.</source>
        <translation>Wessen Speicher verliehen wird.</translation>
    </message>
    <message>
        <source>Needs an administrator</source>
        <translation>Erfordert einen Systemverwalter</translation>
    </message>
    <message>
        <source>Changing this may ask for an administrator&apos;s password.</source>
        <translation>Für eine Änderung kann das Passwort eines Systemverwalters verlangt werden.</translation>
    </message>
    <message>
        <source>{help} {automatic}: {meaning}.</source>
        <translation>{help} {automatic}: {meaning}.</translation>
    </message>
    <message>
        <source>on</source>
        <translation>ein</translation>
    </message>
    <message>
        <source>off</source>
        <translation>aus</translation>
    </message>
    <message>
        <source>empty</source>
        <translation>leer</translation>
    </message>
    <message>
        <source> min</source>
        <translation> min</translation>
    </message>
    <message>
        <source> GiB</source>
        <translation> GiB</translation>
    </message>
    <message>
        <source>The first one</source>
        <translation>Die erste</translation>
    </message>
    <message>
        <source>{minutes} min</source>
        <translation>{minutes} min</translation>
    </message>
    <message>
        <source>Back to the default: {value}</source>
        <translation>Auf Vorgabe zurücksetzen: {value}</translation>
    </message>
    <message>
        <source>Reset {title}</source>
        <translation>„{title}“ zurücksetzen</translation>
    </message>
    <message>
        <source>{title}: {value}</source>
        <translation>{title}: {value}</translation>
    </message>
    <message>
        <source>These settings are everybody&apos;s on this computer, so you may be asked for an administrator&apos;s password.</source>
        <translation>Diese Einstellungen gelten für alle an diesem Computer, daher wird eventuell das Passwort eines Systemverwalters verlangt.</translation>
    </message>
    <message>
        <source>VRAM swap settings</source>
        <translation>Einstellungen des VRAM-Swaps</translation>
    </message>
    <message>
        <source>&amp;Apply</source>
        <translation>&amp;Anwenden</translation>
    </message>
    <message>
        <source>&amp;Revert</source>
        <translation>&amp;Verwerfen</translation>
    </message>
    <message>
        <source>Swap</source>
        <translation>Swap</translation>
    </message>
    <message>
        <source>Power and games</source>
        <translation>Energie und Spiele</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>Erweitert</translation>
    </message>
    <message>
        <source>Applying. If a password is asked for, that window may be behind others.</source>
        <translation>Wird angewendet. Falls ein Passwort verlangt wird, kann das Fenster dafür hinter anderen liegen.</translation>
    </message>
    <message>
        <source>Apply the settings that you have changed?</source>
        <translation>Geänderte Einstellungen anwenden?</translation>
    </message>
    <message>
        <source>They are not in force yet.</source>
        <translation>Sie sind noch nicht in Kraft.</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>&amp;Automatic: all VRAM that is free</source>
        <translation>A&amp;utomatisch: aller freie VRAM</translation>
    </message>
    <message>
        <source>Amount of VRAM to lend</source>
        <translation>Zu verleihende VRAM-Menge</translation>
    </message>
    <message>
        <source>{size} are kept free</source>
        <translation>{size} werden freigehalten</translation>
    </message>
    <message>
        <source>{size} B</source>
        <translation>{size}&#xa0;B</translation>
    </message>
    <message>
        <source>{size} KiB</source>
        <translation>{size}&#xa0;KiB</translation>
    </message>
    <message>
        <source>{size} MiB</source>
        <translation>{size}&#xa0;MiB</translation>
    </message>
    <message>
        <source>{size} GiB</source>
        <translation>{size}&#xa0;GiB</translation>
    </message>
</context>
</TS>
