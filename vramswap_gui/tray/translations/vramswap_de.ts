<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
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
        <source>Make way for programs</source>
        <translation>Für Programme Platz machen</translation>
    </message>
    <message>
        <source>Programs that get all VRAM while they run, as games do: their names, with commas between.</source>
        <translation>Programme, die wie Spiele den ganzen VRAM bekommen, solange sie laufen: ihre Namen, mit Kommas dazwischen.</translation>
    </message>
    <message>
        <source>Off in power saver</source>
        <translation>Aus im Energiesparmodus</translation>
    </message>
    <message>
        <source>Bring everything home while the desktop&apos;s power mode is the one that saves power.</source>
        <translation>Alles zurückholen, solange der Energiemodus des Desktops der sparsame ist.</translation>
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
        <source>Place to land</source>
        <translation>Ausweichplatz</translation>
    </message>
    <message>
        <source>Where a swap file may be made when pages in VRAM fit nowhere else: in this folder of root&apos;s; off: nowhere; auto: in vramswap&apos;s own folder, if that is encrypted or the computer swaps to a disk already.</source>
        <translation>Wo eine Swap-Datei angelegt werden darf, wenn Seiten im VRAM nirgends sonst hinpassen: in diesem Ordner von root; off: nirgends; auto: im eigenen Ordner von vramswap, wenn er verschlüsselt ist oder der Computer schon auf ein Laufwerk auslagert.</translation>
    </message>
    <message>
        <source>Kernel driver</source>
        <translation>Kernel-Treiber</translation>
    </message>
    <message>
        <source>NBD</source>
        <translation>NBD</translation>
    </message>
    <message>
        <source>ublk (Linux 7.2 or newer)</source>
        <translation>ublk (Linux 7.2 oder neuer)</translation>
    </message>
    <message>
        <source>Compression</source>
        <translation>Komprimierung</translation>
    </message>
    <message>
        <source>By what pages are packed, so that the same VRAM holds more of them; the processor works for each, and coming back they take a little longer. Automatic is lz4. It counts when the swap is turned on the next time.</source>
        <translation>Womit Seiten gepackt werden, damit derselbe VRAM mehr davon fasst; jede macht dem Prozessor Arbeit, und zurück brauchen sie etwas länger. Automatisch ist lz4. Es gilt, wenn der Swap das nächste Mal eingeschaltet wird.</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
    <message>
        <source>lz4, the faster one</source>
        <translation>lz4, das schnellere</translation>
    </message>
    <message>
        <source>zstd, the smaller one</source>
        <translation>zstd, das kleinere</translation>
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
        <source>Today: {size} kept off the disk ({pages} pages), in {time}.</source>
        <translation>Heute: {size} von der Platte ferngehalten ({pages} Seiten), in {time}.</translation>
    </message>
    <message>
        <source>Today: {size} moved to VRAM ({pages} pages), in {time}.</source>
        <translation>Heute: {size} in den VRAM ausgelagert ({pages} Seiten), in {time}.</translation>
    </message>
    <message>
        <source>d MMM</source>
        <translation>d. MMM</translation>
    </message>
    <message>
        <source>The computer went to sleep</source>
        <translation>Der Computer ging in Bereitschaft</translation>
    </message>
    <message>
        <source>The computer woke up</source>
        <translation>Der Computer ist aufgewacht</translation>
    </message>
    <message>
        <source>All is well again</source>
        <translation>Alles ist wieder in Ordnung</translation>
    </message>
    <message>
        <source>Swap was made on the disk, for pages that fitted nowhere else</source>
        <translation>Swap auf der Platte wurde angelegt, für Seiten, die sonst nirgends Platz hatten</translation>
    </message>
    <message>
        <source>The swap on the disk is gone again</source>
        <translation>Der Swap auf der Platte ist wieder weg</translation>
    </message>
    <message>
        <source>Pages came back from VRAM damaged</source>
        <translation>Seiten kamen beschädigt aus dem VRAM zurück</translation>
    </message>
    <message>
        <source>The VRAM was full, and pages stayed in memory</source>
        <translation>Der VRAM war voll, und Seiten blieben im Arbeitsspeicher</translation>
    </message>
    <message>
        <source>by hand</source>
        <translation>von Hand</translation>
    </message>
    <message>
        <source>on battery</source>
        <translation>Akkubetrieb</translation>
    </message>
    <message>
        <source>a game is running</source>
        <translation>ein Spiel läuft</translation>
    </message>
    <message>
        <source>a program of yours is running</source>
        <translation>eines Ihrer Programme läuft</translation>
    </message>
    <message>
        <source>the power mode saves power</source>
        <translation>Energiesparmodus</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>the computer sleeps</source>
        <translation>der Computer schläft</translation>
    </message>
    <message>
        <source>other programs use the VRAM</source>
        <translation>andere Programme verwenden den VRAM</translation>
    </message>
    <message>
        <source>{minutes}&#xa0;min</source>
        <translation>{minutes}&#xa0;min</translation>
    </message>
    <message>
        <source>{day}, {time}</source>
        <translation>{day}, {time}</translation>
    </message>
    <message>
        <source>Pages are not packed so well any more: {size} less of swap</source>
        <translation>Seiten lassen sich nicht mehr so gut packen: {size} Swap weniger</translation>
    </message>
    <message>
        <source>memory is short</source>
        <translation>der Arbeitsspeicher ist knapp</translation>
    </message>
    <message>
        <source>memory is plentiful</source>
        <translation>es ist genug Arbeitsspeicher da</translation>
    </message>
    <message>
        <source>{setting}: {value}</source>
        <translation>{setting}: {value}</translation>
    </message>
    <message>
        <source>More: {size} after {before}</source>
        <translation>Mehr: {size} nach {before}</translation>
    </message>
    <message>
        <source>Less: {size} after {before}</source>
        <translation>Weniger: {size} nach {before}</translation>
    </message>
    <message>
        <source>Not done</source>
        <translation>Nicht getan</translation>
    </message>
    <message>
        <source>On, {size}</source>
        <translation>An, {size}</translation>
    </message>
    <message>
        <source>Pages are packed well: {size} more of swap</source>
        <translation>Seiten lassen sich gut packen: {size} mehr Swap</translation>
    </message>
    <message>
        <source>This desktop shows no tray icons, so there is this window instead.</source>
        <translation>Dieser Desktop zeigt keine Symbole im Systembereich, deshalb gibt es dieses Fenster.</translation>
    </message>
    <message>
        <source>Closing it leaves the swap as it is.</source>
        <translation>Schließen lässt den Swap, wie er ist.</translation>
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
        <source>&amp;Pause for an hour</source>
        <translation>Eine &amp;Stunde pausieren</translation>
    </message>
    <message>
        <source>&amp;Lend now</source>
        <translation>&amp;Jetzt verleihen</translation>
    </message>
    <message>
        <source>End the &amp;pause</source>
        <translation>Pa&amp;use beenden</translation>
    </message>
    <message>
        <source>Use on &amp;battery this once</source>
        <translation>Dieses Mal auch im &amp;Akkubetrieb</translation>
    </message>
    <message>
        <source>{entry} – {reason}</source>
        <translation>{entry} – {reason}</translation>
    </message>
    <message>
        <source>No NVIDIA GPU</source>
        <translation>Keine NVIDIA-Grafikkarte</translation>
    </message>
    <message>
        <source>there is no NVIDIA GPU</source>
        <translation>es gibt keine NVIDIA-Grafikkarte</translation>
    </message>
    <message numerus="yes">
        <source>%n page(s) came back damaged from VRAM.</source>
        <translation>
            <numerusform>Eine Seite kam beschädigt aus dem VRAM zurück.</numerusform>
            <numerusform>%n Seiten kamen beschädigt aus dem VRAM zurück.</numerusform>
        </translation>
    </message>
    <message>
        <source>A program that wanted one was ended, rather than given wrong data. If the GPU is overclocked, undo that; if it goes on, turn the swap off.</source>
        <translation>Ein Programm, das eine davon brauchte, wurde beendet, statt falsche Daten zu bekommen. Ist die GPU übertaktet, dann machen Sie das rückgängig; geht es weiter, dann schalten Sie den Swap aus.</translation>
    </message>
    <message>
        <source>{pages} in {vram} of VRAM ({ratio} : 1)</source>
        <translation>{pages} in {vram} VRAM ({ratio} : 1)</translation>
    </message>
    <message>
        <source>The GPU is awake.</source>
        <translation>Die GPU ist wach.</translation>
    </message>
    <message>
        <source>once this is done</source>
        <translation>sobald das erledigt ist</translation>
    </message>
    <message>
        <source>once the helper is found</source>
        <translation>sobald der Hilfsdienst gefunden ist</translation>
    </message>
    <message>
        <source>the helper does not answer</source>
        <translation>der Hilfsdienst antwortet nicht</translation>
    </message>
    <message>
        <source>A&amp;llow it</source>
        <translation>Er&amp;lauben</translation>
    </message>
    <message>
        <source>&amp;Never</source>
        <translation>&amp;Nie</translation>
    </message>
    <message>
        <source>once the GPU has been awake</source>
        <translation>sobald die GPU einmal wach war</translation>
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
        <source>Landed on the disk</source>
        <translation>Auf der Platte gelandet</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>The computer is on battery.</source>
        <translation>Der Computer läuft im Akkubetrieb.</translation>
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
        <source>Until {time}. Then it goes on as before.</source>
        <translation>Bis {time}. Danach geht es weiter wie vorher.</translation>
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
        <source>Lends the memory of an idle NVIDIA GPU to Linux as swap, and gives it back when it is wanted.</source>
        <translation>Leiht Linux den Speicher einer unbenutzten NVIDIA-Grafikkarte als Swap und gibt ihn zurück, wenn er gebraucht wird.</translation>
    </message>
    <message>
        <source>Free software under the MIT licence, by the vramswap authors. Made with Qt {version}.</source>
        <translation>Freie Software unter der MIT-Lizenz, von den Autoren von vramswap. Mit Qt {version}.</translation>
    </message>
    <message>
        <source>About vramswap</source>
        <translation>Über vramswap</translation>
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
        <source>Which of the kernel&apos;s drivers makes VRAM a block device: ublk if the kernel&apos;s is good enough, else NBD. It counts when the swap is turned on the next time.</source>
        <translation>Welcher Treiber des Kernels VRAM zum Blockgerät macht: ublk, wenn das des Kernels gut genug ist, sonst NBD. Gilt, wenn der Swap das nächste Mal eingeschaltet wird.</translation>
    </message>
    <message>
        <source>The extension “AppIndicator and KStatusNotifierItem Support” is installed and only has to be switched on, after a new login if it has just come.</source>
        <translation>Die Erweiterung „AppIndicator and KStatusNotifierItem Support“ ist installiert und muss nur eingeschaltet werden, nach einer neuen Anmeldung, falls sie gerade erst gekommen ist.</translation>
    </message>
    <message>
        <source>Install the extension “AppIndicator and KStatusNotifierItem Support”, then log in again.</source>
        <translation>Installieren Sie die Erweiterung „AppIndicator and KStatusNotifierItem Support“, und melden Sie sich dann neu an.</translation>
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
        <source>May memory be written to this disk?</source>
        <translation>Darf Speicherinhalt auf diese Platte geschrieben werden?</translation>
    </message>
    <message>
        <source>If memory is full when a game or sleep needs the VRAM, what is in it fits only in a swap file on this disk. Without one the game has to do without, and the computer stays awake. The disk is not encrypted: whoever gets hold of it could read what was in memory, passwords too.</source>
        <translation>Ist der Arbeitsspeicher voll, wenn ein Spiel oder das Schlafen den VRAM braucht, passt sein Inhalt nur in eine Swap-Datei auf dieser Platte. Ohne sie muss das Spiel verzichten, und der Computer bleibt wach. Die Platte ist nicht verschlüsselt: Wer sie in die Hände bekommt, könnte lesen, was im Speicher war, auch Kennwörter.</translation>
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
        <source>VRAM brings pages back as fast as the disk.</source>
        <translation>Der VRAM bringt Seiten so schnell zurück wie die Platte.</translation>
    </message>
    <message>
        <source>VRAM or disk?</source>
        <translation>VRAM oder Platte?</translation>
    </message>
    <message>
        <source>256 MiB of VRAM and as much of the disk are written and read, for about ten seconds. The swap stays as it is. A GPU that sleeps wakes up.</source>
        <translation>256 MiB VRAM und ebenso viel von der Platte werden etwa zehn Sekunden lang geschrieben und gelesen. Der Swap bleibt, wie er ist. Eine Grafikkarte, die schläft, wacht auf.</translation>
    </message>
    <message>
        <source>Which is faster here?</source>
        <translation>Was ist hier schneller?</translation>
    </message>
    <message>
        <source>&amp;Measure</source>
        <translation>&amp;Messen</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>&amp;Abbrechen</translation>
    </message>
    <message>
        <source>Measuring…</source>
        <translation>Messung läuft…</translation>
    </message>
    <message>
        <source>The disk brings pages back {times} times as fast as VRAM.</source>
        <translation>Die Platte bringt Seiten {times}-mal so schnell zurück wie der VRAM.</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>Platte</translation>
    </message>
    <message>
        <source>{time} µs</source>
        <translation>{time} µs</translation>
    </message>
    <message>
        <source>{rate} GB/s</source>
        <translation>{rate} GB/s</translation>
    </message>
    <message>
        <source>A page comes back (less is better)</source>
        <translation>Eine Seite kommt zurück (weniger ist besser)</translation>
    </message>
    <message>
        <source>Pages leave (more is better)</source>
        <translation>Seiten gehen weg (mehr ist besser)</translation>
    </message>
    <message>
        <source>Nothing was measured.</source>
        <translation>Es wurde nichts gemessen.</translation>
    </message>
    <message>
        <source>VRAM brings pages back {times} times as fast as the disk.</source>
        <translation>Der VRAM bringt Seiten {times}-mal so schnell zurück wie die Platte.</translation>
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
        <source>{hours}&#xa0;h {minutes}&#xa0;min</source>
        <translation>{hours}&#xa0;h {minutes}&#xa0;min</translation>
    </message>
    <message>
        <source>None can be seen, so there is no video memory to lend. If this computer has one, “Check this computer…” says what hides it.</source>
        <translation>Es ist keine zu sehen, also gibt es keinen Grafikspeicher zu verleihen. Wenn dieser Computer eine hat, sagt „Diesen Computer prüfen&#xa0;…“, was sie verbirgt.</translation>
    </message>
    <message>
        <source>Pages are compressed. As they turn out small, there is more swap.</source>
        <translation>Seiten werden komprimiert. Wo sie klein werden, gibt es mehr Swap.</translation>
    </message>
    <message>
        <source>Another can be chosen once the GPU has been awake.</source>
        <translation>Eine andere ist wählbar, sobald die GPU einmal wach war.</translation>
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
        <translation>Programme</translation>
    </message>
    <message>
        <source>The figures differ from run to run by up to {percent}&#xa0;%: measure again when nothing else works.</source>
        <translation>Die Zahlen unterscheiden sich von Lauf zu Lauf um bis zu {percent}&#xa0;%: Messen Sie noch einmal, wenn sonst nichts arbeitet.</translation>
    </message>
    <message>
        <source>&amp;More</source>
        <translation>&amp;Mehr</translation>
    </message>
    <message>
        <source>&amp;Resume</source>
        <translation>&amp;Fortsetzen</translation>
    </message>
    <message>
        <source>End the pause now</source>
        <translation>Die Pause jetzt beenden</translation>
    </message>
    <message>
        <source>&amp;Use on battery</source>
        <translation>&amp;Im Akkubetrieb verwenden</translation>
    </message>
    <message>
        <source>This once: until mains power is back</source>
        <translation>Dieses Mal: bis das Netzteil wieder angeschlossen ist</translation>
    </message>
    <message>
        <source>Do not wait until memory gets short</source>
        <translation>Nicht warten, bis der Arbeitsspeicher knapp wird</translation>
    </message>
    <message>
        <source>Last 5 minutes</source>
        <translation>Letzte 5 Minuten</translation>
    </message>
    <message>
        <source>Programs in swap</source>
        <translation>Ausgelagerte Programme</translation>
    </message>
    <message>
        <source>What happened</source>
        <translation>Was geschah</translation>
    </message>
    <message>
        <source>&amp;VRAM or disk?</source>
        <translation>&amp;VRAM oder Platte?</translation>
    </message>
    <message>
        <source>&amp;Report a problem…</source>
        <translation>Ein &amp;Problem melden…</translation>
    </message>
    <message>
        <source>&amp;About</source>
        <translation>Ü&amp;ber vramswap</translation>
    </message>
    <message>
        <source>Of all swap, be it VRAM or not; the kernel does not tell more.</source>
        <translation>Im Swap insgesamt, ob VRAM oder nicht; mehr verrät der Kernel nicht.</translation>
    </message>
    <message>
        <source>None of your programs has memory in swap.</source>
        <translation>Keines Ihrer Programme ist ausgelagert.</translation>
    </message>
    <message>
        <source>Report a problem</source>
        <translation>Ein Problem melden</translation>
    </message>
    <message>
        <source>This is what somebody needs who is to help you. Names of people and of this computer are left out, and nothing is sent: read it, then give it to whom you like.</source>
        <translation>Das braucht, wer Ihnen helfen soll. Namen von Personen und von diesem Computer sind weggelassen, und nichts wird verschickt: Lesen Sie es, und geben Sie es dann, wem Sie möchten.</translation>
    </message>
    <message>
        <source>Being put together…</source>
        <translation>Wird zusammengestellt…</translation>
    </message>
    <message>
        <source>&amp;Copy</source>
        <translation>&amp;Kopieren</translation>
    </message>
    <message>
        <source>&amp;Save…</source>
        <translation>&amp;Speichern…</translation>
    </message>
    <message>
        <source>Save the report</source>
        <translation>Bericht speichern</translation>
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
