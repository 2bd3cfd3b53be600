#!/usr/bin/env python3
# clientvirtmanagertest.py: the user interface of virt-manager, through virtemulatedpcid
#
# Runs a real virt-manager on an X server without a screen (Xvfb). The test opens the XML tab of a
# domain, inserts an <emulatedpci> and clicks Apply; then the device must have an address. The
# widgets are found by their accessibility interface (AT-SPI). The screenshots remain in the build
# directory: tests/virt-manager-*.png.
#
# The program runs itself a second time, as the stack's user in that session.
#
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import shutil
import signal
import subprocess
import sys
import time

LIMIT = 180         # seconds; as emulatedpcistack.py's
# The directory of the sockets of X servers, which the first X server creates.
SOCKETS = '/tmp/.X11-unix'
PROGRAMS = {'virt-manager': 'virt-manager', 'Xvfb': 'xvfb', 'dbus-run-session': 'dbus-daemon'}
ELEMENT = """    <emulatedpci devicename='citrix-pv-bus'>
      <config vendorid='0x5853' deviceid='0xc000' revision='0x01' classcode='0xff8000'/>
    </emulatedpci>
"""


# --- the actions of a user

def person(name, directory):
    """Prints the results, one line each. Requires a session bus."""
    import gi
    gi.require_version('Atspi', '2.0')
    from gi.repository import Atspi

    # The time limit for a reply in milliseconds, also for a program that has just started
    Atspi.set_timeout(LIMIT * 1000, LIMIT * 1000)

    def children(node):
        for number in range(node.get_child_count()):
            child = node.get_child_at_index(number)
            if child is not None:
                yield child

    def walk(node, depth=0):
        yield node
        if depth < 40:
            try:
                found = list(children(node))
            except gi.repository.GLib.Error:        # the widget was removed meanwhile
                found = []
            for child in found:
                yield from walk(child, depth + 1)

    def find(what, condition, seconds=LIMIT):
        until = time.monotonic() + seconds
        while True:
            for number in range(Atspi.get_desktop_count()):
                for node in walk(Atspi.get_desktop(number)):
                    try:
                        if condition(node):
                            return node
                    except gi.repository.GLib.Error:
                        pass
            if time.monotonic() > until:
                raise SystemExit('not found: ' + what)
            time.sleep(0.2)

    def shows(node):
        return node.get_state_set().contains(Atspi.StateType.SHOWING)

    def named(role, text):
        return lambda node: node.get_role_name() == role and node.get_name() == text and shows(node)

    def photo(number, what):
        time.sleep(0.5)
        path = os.path.join(directory, 'virt-manager-%d-%s.png' % (number, what))
        gi.require_version('Gdk', '3.0')
        from gi.repository import Gdk
        Gdk.init([])
        root = Gdk.get_default_root_window()
        Gdk.pixbuf_get_from_window(root, 0, 0, root.get_width(), root.get_height()).savev(path, 'png', [], [])

    def xml_text(text):
        return find('the XML, with ' + text, lambda node: node.get_role_name() == 'text' and shows(node) and
                    node.get_text_iface() is not None and
                    text in Atspi.Text.get_text(node, 0, Atspi.Text.get_character_count(node)))

    find('the window of ' + name, lambda node: node.get_role_name() == 'frame' and name in node.get_name() and shows(node))
    tab = find('the tab XML', named('page tab', 'XML'))
    tabs = tab.get_parent()
    number = next(index for index, child in enumerate(children(tabs)) if child.get_name() == 'XML')
    Atspi.Selection.select_child(tabs, number)
    view = xml_text('<name>%s</name>' % name)
    text = Atspi.Text.get_text(view, 0, Atspi.Text.get_character_count(view))
    print('before', '<emulatedpci' in text)
    photo(1, 'before')
    Atspi.EditableText.set_text_contents(view, text.replace('  </devices>', ELEMENT + '  </devices>'))
    print('typed', True)
    photo(2, 'typed')
    # virt-manager gives the button a separate name for accessibility. Its role is "button" since
    # at-spi2-core 2.53, and "push button" before.
    apply = find('the button Apply', lambda node: node.get_role_name() in ('button', 'push button') and shows(node) and
                 node.get_name() in ('Apply', 'config-apply') and
                 node.get_state_set().contains(Atspi.StateType.SENSITIVE))
    Atspi.Action.do_action(apply, 0)
    view = xml_text('<alias name="ua-emulatedpci0"/>')
    text = Atspi.Text.get_text(view, 0, Atspi.Text.get_character_count(view))
    print('after', '<emulatedpci' in text)
    element = text[text.index('<emulatedpci'):text.index('</emulatedpci>')]
    print('address', 'slot=' in element)
    # Scrolls down to the device
    place = text.index('</emulatedpci>')
    Atspi.Text.set_caret_offset(view, place)
    photo(3, 'after')


# --- the test

def main(tap):
    from daemonstack import DaemonStack
    from emulatedpcistack import PATH, Tap, domain_xml, emulated_devices, needs

    needs('libvirtd', 'virsh')
    for program, package in PROGRAMS.items():
        if not shutil.which(program, path=PATH):
            Tap.skip_all('there is no %s on this machine (package %s)' % (program, package))
    check = subprocess.run(['/usr/bin/python3', '-c', 'import gi; gi.require_version("Atspi", "2.0"); '
                            'from gi.repository import Atspi'], stderr=subprocess.DEVNULL, check=False)
    if check.returncode != 0:
        Tap.skip_all('no AT-SPI for Python on this machine (packages python3-gi, gir1.2-atspi-2.0)')

    there = os.path.exists(SOCKETS)
    with DaemonStack() as stack:
        stack.start_libvirtd()
        stack.start_daemon()
        stack.virsh('define', stack.write('tmp/define.xml', domain_xml('seen', 'pc')))
        os.mkdir(stack.path('photos'))
        stack.give('photos')
        os.makedirs(stack.path('config/glib-2.0/settings'))
        stack.give('config/glib-2.0')
        stack.give('config/glib-2.0/settings')
        stack.write('config/glib-2.0/settings/keyfile', '[org/virt-manager/virt-manager]\nxmleditor-enabled=true\n')
        stack.env.update({'GSETTINGS_BACKEND': 'keyfile', 'NO_AT_BRIDGE': '0', 'GTK_MODULES': 'gail:atk-bridge',
                          'XDG_DATA_DIRS': '/usr/local/share:/usr/share'})
        display = stack.path('run/display')
        xvfb = stack.start(['/bin/sh', '-c', 'exec Xvfb -displayfd 3 -screen 0 1600x900x24 -nolisten tcp -noreset '
                            '3> "$1"', 'sh', display], 'log/xvfb.log')
        stack.wait_for(lambda: stack.read('run/display').endswith('\n'), 'Xvfb is there')
        stack.env['DISPLAY'] = ':' + stack.read('run/display').strip()
        script = stack.copy(os.path.abspath(__file__), 'bin/person.py')
        # virt-manager continues to run after the actions; it is ended with the session.
        command = ('gdbus call --session --dest org.a11y.Bus --object-path /org/a11y/bus --method '
                   'org.freedesktop.DBus.Properties.Set org.a11y.Status IsEnabled "<true>" > /dev/null; '
                   'virt-manager --no-fork --connect "$1" --show-domain-editor seen > "$2/manager.log" 2>&1 & '
                   'manager=$!; timeout %d /usr/bin/python3 -B "$3" --person seen "$2"; status=$?; '
                   'kill $manager; wait $manager 2>/dev/null; exit $status' % (3 * LIMIT))
        started = time.monotonic()
        done = stack.run(['dbus-run-session', '--', '/bin/sh', '-c', command, 'sh', stack.uri, stack.path('photos'),
                          script], check=False, timeout=4 * LIMIT)
        seen = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
        tap.equal(seen.get('before'), 'False', 'the XML tab shows the domain')
        tap.equal(seen.get('typed'), 'True', 'an <emulatedpci> is written into it')
        tap.equal((seen.get('after'), seen.get('address')), ('True', 'True'),
                  'after Apply the device is there, with an address')
        if done.returncode != 0 or 'address' not in seen:
            tap.diag(done.stdout + done.stderr + stack.read('photos/manager.log'))
            cache = stack.path('cache/virt-manager/virt-manager.log')
            if os.path.exists(cache):
                tap.diag('\n'.join(stack.read('cache/virt-manager/virt-manager.log').splitlines()[-15:]))
        devices = emulated_devices(stack.virsh('dumpxml', 'seen'))
        tap.ok(len(devices) == 1 and all(address for _, address in devices.values()), 'as virsh shows it too', devices)
        for name in sorted(os.listdir(stack.path('photos'))):
            if name.endswith('.png'):
                kept = os.path.join(stack.build, 'tests', name)
                shutil.copyfile(stack.path('photos/' + name), kept)
                tap.diag('a screenshot: ' + kept)
        tap.ok(os.path.exists(os.path.join(stack.build, 'tests/virt-manager-3-after.png')), 'a screenshot is kept')
        tap.diag('virt-manager took %.1f s' % (time.monotonic() - started))
        os.kill(xvfb, signal.SIGTERM)
        tap.equal(stack.close(), [], 'everything ended by itself')
    if not there:
        try:
            os.rmdir(SOCKETS)
        except OSError:
            pass                        # another X server uses the number now


if len(sys.argv) > 1:
    person(*sys.argv[2:])
else:
    from emulatedpcistack import run_tests
    run_tests(main)
